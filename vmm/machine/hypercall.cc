// The hypercall gate: dispatch by number, counts, the multicall.
#include "machine/domain.h"
#include "machine/guest_memory_access.h"
#include "machine/vcpu.h"
#include "pvmmu/mmu.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;

constexpr int64_t kNoSuchCall = -XEN_ENOSYS, kInvalid = -XEN_EINVAL;

uint64_t mmu_ops(const Counters& counters) {
  return counters.mmu.ops_mmu_update + counters.mmu.ops_mmuext + counters.mmu.ops_va_mapping;
}

}  // namespace

// A hypercall of the guest kernel: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9.
void Vcpu::hypercall_from_gate() {
  GuestRegisters& regs = cpu_.registers;
  const uint64_t number = regs.rax;
  uint64_t arguments[6] = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9};
  ++counters_.trap(TrapCause::kHypercall);
  ++counters_.hypercall(number);
  context_replaced_ = false;
  recent_.begin(number, std::to_array(arguments));
  const int64_t result = hypercall(number, arguments);
  recent_.end(result);
  recount_after(number, arguments);
  if (!context_replaced_) cpu_.registers.rax = static_cast<uint64_t>(result);
  domain_.accelerator().work_at_trap();
}

// From the gate, or an entry of a multicall.
int64_t Vcpu::hypercall(uint64_t number, uint64_t (&arguments)[6]) {
  if (in_multicall_) ++counters_.multicall_entries;
  Trace* const trace = domain_.trace();
  if (trace != nullptr) {
    trace->hypercall_begins(id_, in_multicall_, number, arguments, mmu_ops(counters_));
  }
  const int64_t result = carry_out(number, arguments);
  if (trace != nullptr) trace->hypercall_ends(id_, result, mmu_ops(counters_));
  // The gate's own is recounted with its result known.
  if (in_multicall_) recount_after(number, arguments);
  return result;
}

int64_t Vcpu::carry_out(uint64_t number, uint64_t (&arguments)[6]) {
  if (const auto result = mmu_hypercall(number, arguments)) return *result;
  if (const auto result = cpu_hypercall(number, arguments)) return *result;
  if (number == __HYPERVISOR_multicall) return multicall(LinearAddr(arguments[0]), arguments[1]);
  if (number == guest_abi::kHypercallPvmmuOp) return private_hypercall(arguments);
  if (const auto result = other_hypercall(number, arguments)) return *result;
  ++counters_.unimplemented[hypercall_slot(number)];
  return kNoSuchCall;
}

std::optional<int64_t> Vcpu::mmu_hypercall(uint64_t number, uint64_t (&arguments)[6]) {
  pvmmu::Refusal refusal;
  const auto result = mmu_hypercall(number, arguments, refusal);
  if (refusal.refused() && result != pvmmu::kPreempted) note_refusal(refusal, number, arguments);
  return result;
}

std::optional<int64_t> Vcpu::mmu_hypercall(uint64_t number, uint64_t (&arguments)[6],
                                           pvmmu::Refusal& refusal) {
  pvmmu::Call call{VcpuId{id_}, counters_.mmu, refusal, cpu_.kernel_mode};
  pvmmu::Mmu& mmu = domain_.mmu();
  const auto word = [&arguments](unsigned i) { return static_cast<uint32_t>(arguments[i]); };
  switch (number) {
    case __HYPERVISOR_mmu_update:
      return in_pieces([&] {
        return mmu.mmu_update(call, LinearAddr(arguments[0]), word(1), LinearAddr(arguments[2]),
                              word(3));
      });
    case __HYPERVISOR_mmuext_op:
      return in_pieces([&] {
        return mmu.mmuext_op(call, LinearAddr(arguments[0]), word(1), LinearAddr(arguments[2]),
                             word(3));
      });
    case __HYPERVISOR_update_va_mapping:
      return mmu.update_va_mapping(call, LinearAddr(arguments[0]), arguments[1], arguments[2]);
    case __HYPERVISOR_update_descriptor:
      return mmu.update_descriptor(call, pvmmu::Maddr(arguments[0]), arguments[1]);
    default:
      return std::nullopt;
  }
}

// Makes the call again until it is done. If the domain stops first, nobody will see the result.
template <typename MakeCall>
int64_t Vcpu::in_pieces(MakeCall make_call) {
  int64_t result = make_call();
  while (result == pvmmu::kPreempted && domain_.let_others_in(id_)) result = make_call();
  return result;
}

// A call inside a list is done in one go as far as the list sees, unless the domain stops.
bool Vcpu::call_preempted() const {
  return domain_.stopping();
}

bool Vcpu::preempt_requested() {
  return list_steps_.spent(domain_.platform());
}

int64_t Vcpu::multicall(LinearAddr list, uint64_t count) {
  if (in_multicall_) return kInvalid;
  const uint64_t ops_before = mmu_ops(counters_);
  in_multicall_ = true;
  list_steps_.start_piece(false);
  multicall::Outcome outcome =
      dispatcher_.dispatch(*this, *this, list, static_cast<uint32_t>(count));
  while (outcome.preempted && domain_.let_others_in(id_)) {
    list_steps_.start_piece(true);
    outcome = dispatcher_.dispatch(*this, *this, outcome.next, outcome.remaining);
  }
  in_multicall_ = false;
  counters_.multicall_ops += mmu_ops(counters_) - ops_before;
  attribution_->record_multicall(count, accounting_.phase(), accounting_.operation());
  return outcome.result;
}

int64_t Vcpu::private_hypercall(uint64_t (&arguments)[6]) {
  switch (arguments[0]) {
    case guest_abi::kPvmmuOpRegisterAccounting:
      return register_accounting(arguments);
    case guest_abi::kPvmmuOpFillOnDemand:
      return domain_.start_filling_on_demand() ? 0 : kNoSuchCall;
    case guest_abi::kPvmmuOpAccelerator:
      return accelerator_op(arguments);
    default:
      return kNoSuchCall;
  }
}

// Hands over the accounting pages of a vCPU: two frames that stay ordinary memory from now on.
int64_t Vcpu::register_accounting(const uint64_t (&arguments)[6]) {
  if (arguments[1] >= domain_.vcpu_count()) return kInvalid;
  GuestAccounting& accounting = domain_.vcpu(static_cast<unsigned>(arguments[1])).accounting();
  if (accounting.attached()) return -XEN_EBUSY;
  const Mfn page(arguments[2]), operations(arguments[3]);
  const auto get = [this](Mfn frame) {
    return domain_.frames().get_writable(frame, VcpuId{id_}, "pvmmu_op");
  };
  std::byte* const page_view = get(page);
  if (page_view == nullptr) return kInvalid;
  std::byte* const operations_view = get(operations);
  if (operations_view == nullptr) {
    domain_.frames().put_writable(page);
    return kInvalid;
  }
  accounting.attach(page_view, operations_view);
  return 0;
}

std::optional<int64_t> Vcpu::other_hypercall(uint64_t number, uint64_t (&arguments)[6]) {
  GuestMemory memory(*this);
  const auto outcome =
      domain_.hypercalls().handle(VcpuId{id_}, memory, static_cast<unsigned>(number), arguments);
  if (!outcome) return std::nullopt;
  using Action = HypercallOutcome::Action;
  switch (outcome->action) {
    case Action::kContinue:
      break;
    case Action::kYield:
    case Action::kBlock:
    case Action::kPoll:
      pending_action_ = *outcome;
      break;
    case Action::kDown:
      up_ = false;
      break;
    case Action::kShutdown: {
      if (outcome->shutdown_reason == SHUTDOWN_crash) {
        crash("the guest reported a crash");
      } else {
        domain_.stop(RunResult::End::kShutdown, std::nullopt, {});
      }
      break;
    }
  }
  return outcome->result;
}

}  // namespace vmm
