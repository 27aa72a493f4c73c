// Trap handlers, callbacks, the processor's own data, and shared_info.
#include "arch/x86_64/start.h"

#include "arch/boot.h"
#include "arch/hypercall.h"
#include "arch/x86_64/symbols.h"
#include "base/pte.h"
#include "panic.h"
#include "traps/trap.h"

namespace kernel {
namespace {

constexpr unsigned kMaxHandlers = 32;
constexpr uint8_t kMaskEvents = 1u << 2;  // [xen/public/arch-x86/xen.h: TI_SET_IF]

// The frame behind this page of the image gives its place to the hypervisor's shared_info.
alignas(4096) constinit char shared_info_page[4096] = {};

void register_callback(uint16_t type, void (*handler)()) {
  callback_register_t request{};
  request.type = type;
  request.flags = CALLBACKF_mask_events;
  request.address = address_of_code(handler);
  kernel_assert(hypercall_callback_register(request) == 0, "callback_op");
}

void map_shared_info(uint64_t maddr) {
  using namespace pvmmu;
  const L1Pte entry(Maddr(maddr).frame(),
                    kPtePresent | kPteWritable | kPteUser | kPteAccessedDirty | kPteNoExecute);
  const int64_t result = hypercall_update_va_mapping(hypercall_pointer(shared_info_page),
                                                     entry.raw(), UVMF_INVLPG | UVMF_LOCAL);
  kernel_assert(result == 0, "shared_info cannot be mapped");
}

}  // namespace

shared_info_t& shared_info() {
  return *reinterpret_cast<shared_info_t*>(shared_info_page);
}

unsigned fill_trap_table(trap_info_t* table, unsigned capacity) {
  unsigned count = 0;
  for (const ExceptionEntry* entry = exception_entries; entry->address != 0; ++entry) {
    if (count == capacity) {
      panic("the trap table is too small");
    }
    trap_info_t& slot = table[count++];
    slot = {};
    slot.vector = static_cast<uint8_t>(entry->vector);
    // Programs may raise a breakpoint.
    slot.flags = static_cast<uint8_t>((entry->vector == kVectorBreakpoint ? 3 : 0) | kMaskEvents);
    slot.cs = FLAT_KERNEL_CS64;
    slot.address = entry->address;
  }
  return count;
}

void arch_start(const start_info_t& start_info, Cpu& cpu) {
  cpu.self = &cpu;
  cpu.id = 0;
  // First of all: everything else asks which processor it runs on.
  if (hypercall_set_segment_base(SEGBASE_GS_KERNEL, hypercall_pointer(&cpu)) != 0) {
    arch_shutdown(SHUTDOWN_crash);
  }
  map_shared_info(start_info.shared_info);
  cpu.vcpu_info = &shared_info().vcpu_info[0];
  events_save();

  trap_info_t table[kMaxHandlers + 1];
  const unsigned count = fill_trap_table(table, kMaxHandlers);
  table[count] = {};
  kernel_assert(hypercall_set_trap_table(table) == 0, "set_trap_table");
  register_callback(CALLBACKTYPE_event, event_entry);
  register_callback(CALLBACKTYPE_failsafe, failsafe_entry);
  register_callback(CALLBACKTYPE_syscall, syscall_entry);
}

}  // namespace kernel
