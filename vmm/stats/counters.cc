#include "stats/counters.h"

#include <iterator>
#include <string>

#include "abi/xen.h"
#include "guest_abi/accounting.h"

namespace vmm {
namespace {

constexpr const char* kTrapCauseNames[] = {
#define VMM_NAME(name, text, repeats) text,
    VMM_TRAP_CAUSES(VMM_NAME)
#undef VMM_NAME
};

constexpr Repeats kTrapCauseRepeats[] = {
#define VMM_REPEATS(name, text, repeats) Repeats::repeats,
    VMM_TRAP_CAUSES(VMM_REPEATS)
#undef VMM_REPEATS
};

constexpr const char* kExitReasonNames[] = {
#define VMM_NAME(name, text) text,
    VMM_EXIT_REASONS(VMM_NAME)
#undef VMM_NAME
};

// By vector. [SDM 3A 6.15]
constexpr TrapCause kExceptionCauses[32] = {
    TrapCause::kDivideError,
    TrapCause::kDebug,
    TrapCause::kNmi,
    TrapCause::kBreakpoint,
    TrapCause::kOverflow,
    TrapCause::kBoundRange,
    TrapCause::kInvalidOpcode,
    TrapCause::kDeviceNotAvailable,
    TrapCause::kDoubleFault,
    TrapCause::kOtherException,
    TrapCause::kInvalidTss,
    TrapCause::kSegmentNotPresent,
    TrapCause::kStackFault,
    TrapCause::kGeneralProtection,
    TrapCause::kPageFault,
    TrapCause::kOtherException,
    TrapCause::kFloatingPoint,
    TrapCause::kAlignmentCheck,
    TrapCause::kMachineCheck,
    TrapCause::kSimdError,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
    TrapCause::kOtherException,
};

// [xen/public/xen.h: HYPERCALLS]
struct HypercallName {
  unsigned number;
  const char* name;
};
constexpr HypercallName kHypercallNames[] = {
#define VMM_HYPERCALL(name) \
  { __HYPERVISOR_##name, #name }
    VMM_HYPERCALL(set_trap_table),
    VMM_HYPERCALL(mmu_update),
    VMM_HYPERCALL(set_gdt),
    VMM_HYPERCALL(stack_switch),
    VMM_HYPERCALL(set_callbacks),
    VMM_HYPERCALL(fpu_taskswitch),
    VMM_HYPERCALL(sched_op_compat),
    VMM_HYPERCALL(platform_op),
    VMM_HYPERCALL(set_debugreg),
    VMM_HYPERCALL(get_debugreg),
    VMM_HYPERCALL(update_descriptor),
    VMM_HYPERCALL(memory_op),
    VMM_HYPERCALL(multicall),
    VMM_HYPERCALL(update_va_mapping),
    VMM_HYPERCALL(set_timer_op),
    VMM_HYPERCALL(event_channel_op_compat),
    VMM_HYPERCALL(xen_version),
    VMM_HYPERCALL(console_io),
    VMM_HYPERCALL(physdev_op_compat),
    VMM_HYPERCALL(grant_table_op),
    VMM_HYPERCALL(vm_assist),
    VMM_HYPERCALL(update_va_mapping_otherdomain),
    VMM_HYPERCALL(iret),
    VMM_HYPERCALL(vcpu_op),
    VMM_HYPERCALL(set_segment_base),
    VMM_HYPERCALL(mmuext_op),
    VMM_HYPERCALL(xsm_op),
    VMM_HYPERCALL(nmi_op),
    VMM_HYPERCALL(callback_op),
    VMM_HYPERCALL(xenoprof_op),
    VMM_HYPERCALL(hvm_op),
    VMM_HYPERCALL(sysctl),
    VMM_HYPERCALL(domctl),
    VMM_HYPERCALL(kexec_op),
    VMM_HYPERCALL(tmem_op),
    VMM_HYPERCALL(argo_op),
    VMM_HYPERCALL(xenpmu_op),
    VMM_HYPERCALL(dm_op),
    VMM_HYPERCALL(hypfs_op),
    // By number: for old interface versions the header gives these names to the compat calls.
    {29, "sched_op"},
    {32, "event_channel_op"},
    {33, "physdev_op"},
    {__HYPERVISOR_arch_0, "mca"},
    {__HYPERVISOR_arch_1, "paging_domctl"},
    {guest_abi::kHypercallPvmmuOp, "pvmmu_op"},
#undef VMM_HYPERCALL
};

struct NameTable {
  std::array<std::string, kHypercallSlots> names;
  NameTable() {
    for (unsigned number = 0; number < kHypercallSlots; ++number) {
      names[number] = "unknown_" + std::to_string(number);
    }
    for (const HypercallName& known : kHypercallNames) names[known.number] = known.name;
  }
};

}  // namespace

TrapCause trap_cause_of_vector(unsigned vector) {
  if (vector >= std::size(kExceptionCauses)) return TrapCause::kSoftwareInterrupt;
  return kExceptionCauses[vector];
}

const char* trap_cause_name(TrapCause cause) {
  return kTrapCauseNames[static_cast<unsigned>(cause)];
}

bool trap_cause_repeats(TrapCause cause) {
  return kTrapCauseRepeats[static_cast<unsigned>(cause)] == Repeats::kExactly;
}

const char* exit_reason_name(ExitReason reason) {
  return kExitReasonNames[static_cast<unsigned>(reason)];
}

const char* hypercall_name(unsigned number) {
  static const NameTable table;
  return table.names[hypercall_slot(number)].c_str();
}

Counters& operator+=(Counters& sum, const Counters& more) {
  const auto to = counter_words(sum);
  const auto from = counter_words(more);
  for (size_t i = 0; i < kCounterWords; ++i) to[i] += from[i];
  return sum;
}

Counters operator-(const Counters& later, const Counters& earlier) {
  Counters difference = later;
  const auto to = counter_words(difference);
  const auto from = counter_words(earlier);
  for (size_t i = 0; i < kCounterWords; ++i) to[i] -= from[i];
  return difference;
}

uint64_t page_table_traps(const Counters& counters) {
  return counters.trap(TrapCause::kEmulatedWrite) + counters.hypercall(__HYPERVISOR_mmu_update) +
         counters.hypercall(__HYPERVISOR_mmuext_op) +
         counters.hypercall(__HYPERVISOR_update_va_mapping) +
         counters.hypercall(__HYPERVISOR_multicall);
}

}  // namespace vmm
