// Page faults of the guest: retried where the tables permit the access, emulated where it is a
// store to a page table, and the guest's own otherwise.
#include "absl/strings/str_format.h"
#include "guest_abi/monitor.h"
#include "machine/domain.h"
#include "machine/vcpu.h"
#include "pvmmu/mmu.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;

// A processor may fault on a translation that the tables have permitted meanwhile, and a shadow MMU
// more than once; and another vCPU may change the entry back and forth. A permitted access that
// keeps faulting while no entry changes is a broken machine, not a guest's doing.
constexpr unsigned kSpuriousLimit = 64;

bool in_xen_m2p_slot(LinearAddr address) {
  return address.index(pvmmu::PtLevel::kL4) ==
         LinearAddr(guest_abi::kM2pXenBase).index(pvmmu::PtLevel::kL4);
}

std::optional<pvmmu::WriteOperation::Kind> operation_kind(WriteKind kind) {
  using Kind = pvmmu::WriteOperation::Kind;
  switch (kind) {
    case WriteKind::kStore:
      return Kind::kStore;
    case WriteKind::kExchange:
      return Kind::kExchange;
    case WriteKind::kCompareExchange:
      return Kind::kCompareExchange;
    case WriteKind::kAnd:
      return Kind::kAnd;
    case WriteKind::kOr:
      return Kind::kOr;
    case WriteKind::kBitSet:
      return Kind::kBitSet;
    case WriteKind::kBitReset:
      return Kind::kBitReset;
    case WriteKind::kAdd:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void Vcpu::handle_page_fault(const Trap& trap) {
  const LinearAddr address(trap.cr2);
  const pvmmu::Access access{(trap.error_code & pvmmu::kFaultWrite) != 0,
                             (trap.error_code & pvmmu::kFaultFetch) != 0, true};
  const pvmmu::WalkResult walk = domain_.mmu().walk(root(), address, access);
  if (walk.ok) {
    if (in_xen_m2p_slot(address) && !domain_.traits().slot_256_usable && !access.write &&
        emulate_m2p_read(address)) {
      return;
    }
    if (retry_spurious(walk, trap.cr2)) return;
  }
  if (access.write && walk.mapped && cpu_.kernel_mode && emulate_table_write(address)) return;
  if (!walk.ok && !cpu_.kernel_mode && domain_.fills_on_demand() &&
      fill_on_demand(address, access)) {
    return;
  }
  bounce_page_fault(trap.cr2, walk.ok ? trap.error_code : walk.fault_code);
}

// Drops what the processor (or a shadow MMU) may still hold of this translation, and tries again.
bool Vcpu::retry_spurious(const pvmmu::WalkResult& walk, uint64_t address) {
  const uint64_t changes = domain_.platform().change_count();
  const bool same = spurious_address_ == address && spurious_changes_ == changes;
  spurious_in_a_row_ = same ? spurious_in_a_row_ + 1 : 1;
  spurious_address_ = address;
  spurious_changes_ = changes;
  if (spurious_in_a_row_ > kSpuriousLimit) {
    domain_.stop(RunResult::End::kFailed, std::nullopt,
                 absl::StrFormat("vCPU %u: the processor keeps faulting at 0x%x, which its page "
                                 "tables permit",
                                 id_, address));
    return true;
  }
  count_trap(TrapCause::kSpuriousFault);
  for (unsigned i = 0; i < walk.step_count; ++i) {
    domain_.platform().entry_changed(walk.steps[i].table, walk.steps[i].slot);
  }
  processor_.owe_flush();
  return true;
}

bool Vcpu::emulate_table_write(LinearAddr address) {
  uint8_t bytes[15];
  const CodeBytes code(bytes, fetch_code(bytes));
  const auto instruction = decode_write(code, cpu_.registers, SegmentBases{});
  if (!instruction) return false;
  const auto kind = operation_kind(instruction->kind);
  // The fault must be this instruction's own store, not one that it makes on the way (push, say).
  if (!kind || address.raw() - instruction->address.raw() >= instruction->width) return false;
  pvmmu::Refusal refusal;
  pvmmu::Call call{VcpuId{id_}, counters_.mmu, refusal, cpu_.kernel_mode};
  const pvmmu::WriteOperation operation{*kind, instruction->width, instruction->operand,
                                        instruction->expected};
  const pvmmu::EmulationResult result =
      domain_.mmu().emulate_write(call, root(), instruction->address, operation);
  if (result.status == pvmmu::EmulationResult::Status::kRefused) {
    domain_.note_refusal(id_, refusal, [] { return AskedFor{}; });
  }
  if (result.status != pvmmu::EmulationResult::Status::kDone) return false;
  count_trap(TrapCause::kEmulatedWrite);
  complete_write(*instruction, result.old_value, cpu_.registers);
  domain_.recount([&] {
    return absl::StrFormat("an emulated write of vCPU %u to linear 0x%x", id_, address.raw());
  });
  return true;
}

// The entry may wait for this access; then the guest's kernel need not hear of it.
bool Vcpu::fill_on_demand(LinearAddr address, pvmmu::Access access) {
  pvmmu::Refusal refusal;
  pvmmu::Call call{VcpuId{id_}, counters_.mmu, refusal, cpu_.kernel_mode};
  const bool filled = domain_.mmu().fill_on_demand(call, root(), address, access);
  if (refusal.refused()) {
    domain_.note_refusal(id_, refusal, [] { return AskedFor{}; });
  }
  if (!filled) return false;
  ++counters_.trap(TrapCause::kDemandFill);
  domain_.recount([&] {
    return absl::StrFormat("a demand fill of vCPU %u at linear 0x%x", id_, address.raw());
  });
  return true;
}

// CPL3 cannot reach Xen's place of the m2p on this KVM.
bool Vcpu::emulate_m2p_read(LinearAddr address) {
  uint8_t bytes[15];
  const CodeBytes code(bytes, fetch_code(bytes));
  const auto instruction = decode_load(code, cpu_.registers, SegmentBases{});
  if (!instruction || address.raw() - instruction->address.raw() >= instruction->width) {
    return false;
  }
  uint64_t value = 0;
  if (!copy_from_guest(&value, instruction->address, instruction->width)) return false;
  count_trap(TrapCause::kEmulatedRead);
  complete_load(*instruction, value, cpu_.registers);
  return true;
}

}  // namespace vmm
