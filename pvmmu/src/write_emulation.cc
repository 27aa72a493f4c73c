// Stores to L1 tables that the guest has mapped read-only, carried out as updates of the entry.
//
// A store narrower than an entry reads the entry, changes its part and replaces the whole by
// compare-exchange, so that it is as atomic as the instruction would have been.
#include "base/mutant.h"
#include "entry_writer.h"
#include "pvmmu/mmu.h"
#include "pvmmu/mmu_events.h"

namespace pvmmu {

namespace {

// The bytes of an entry that an operation touches.
struct Part {
  unsigned shift;
  uint64_t mask;  // of the unshifted part

  uint64_t get(uint64_t entry) const { return (entry >> shift) & mask; }
  uint64_t put(uint64_t entry, uint64_t part) const {
    return (entry & ~(mask << shift)) | ((part & mask) << shift);
  }
};

// What the operation makes of the old value; false if it writes nothing.
bool apply(const WriteOperation& operation, uint64_t old_value, uint64_t mask, uint64_t& result) {
  // never: none of these; the decoder makes no other kind.
  switch (operation.kind) {
    case WriteOperation::Kind::kStore:
    case WriteOperation::Kind::kExchange:
      result = operation.operand;
      return true;
    case WriteOperation::Kind::kCompareExchange:
      result = operation.operand;
      return old_value == (operation.comparand & mask);
    case WriteOperation::Kind::kAnd:
      result = old_value & operation.operand;
      return true;
    case WriteOperation::Kind::kOr:
    case WriteOperation::Kind::kBitSet:
      result = old_value | operation.operand;
      return true;
    case WriteOperation::Kind::kBitReset:
      result = old_value & ~operation.operand;
      return true;
  }
  return false;  // never: see above
}

}  // namespace

EmulationResult Mmu::emulate_write(Call& call, Mfn root, LinearAddr address,
                                   const WriteOperation& operation) {
  EmulationResult result;
  // Only the guest kernel's stores: a process that can see a page table must not change it.
  if (!call.kernel_mode) return result;
  const WalkResult walked = memory_.walk(root, address, Access{.write = true});
  if (!walked.mapped || !walked.user || walked.writable) return result;
  const Mfn table = walked.address.frame();
  const PageInfo* page = frames_.find_guest(table);
  if (page == nullptr || page->type != PageType::kL1 || !page->whole()) return result;

  result.error = write_entry(call, table, address, operation, result);
  if (result.error == Errno::kOk) {
    ++call.counters.emulated_writes;
    if (MmuEvents* events = platform_.events()) {
      events->write_emulated(call.counters, table, address, operation.width);
    }
    result.status = EmulationResult::Status::kDone;
    return result;
  }
  call.refusal.address = address;
  call.refusal.has_address = true;
  finish_refused(call, "emulated write", result.error, 0);
  result.status = EmulationResult::Status::kRefused;
  return result;
}

// The store itself, to the L1 table that the address leads to.
Errno Mmu::write_entry(Call& call, Mfn table, LinearAddr address, const WriteOperation& operation,
                       EmulationResult& result) {
  const unsigned width = operation.width;
  const bool natural = width == 1 || width == 2 || width == 4 || width == 8;
  const bool aligned =
      natural && (address.raw() % width == 0 || kMutated<Mutant::unaligned_entry_accepted>);
  if (!aligned) {
    return types_.refuse(call, Rule::kAnyInput, Errno::kEINVAL,
                         "a store to a page table must be of natural width and aligned", table);
  }
  const Part part{static_cast<unsigned>(address.raw() % sizeof(uint64_t)) * 8,
                  ~uint64_t{0} >> (64 - 8 * width)};
  bool written = false;
  const auto compute = [&](uint64_t& entry) {
    uint64_t stored = 0;
    written = apply(operation, part.get(entry), part.mask, stored);
    if (written) entry = part.put(entry, stored);
    return written;
  };
  EntryWriter writer(platform_, types_, tlb_);
  uint64_t old_entry = 0;
  const auto slot = static_cast<unsigned>(address.offset() / sizeof(uint64_t));
  const Errno error = writer.change<PtLevel::kL1>(call, table, slot, compute, old_entry);
  result.old_value = part.get(old_entry);
  result.exchanged =
      error == Errno::kOk && written && operation.kind == WriteOperation::Kind::kCompareExchange;
  return error;
}

}  // namespace pvmmu
