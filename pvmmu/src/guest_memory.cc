#include "pvmmu/guest_memory.h"

#include "base/mutant.h"
#include "base/pte.h"

namespace pvmmu {

namespace {

uint32_t access_bits(Access access) {
  return (access.write ? kFaultWrite : 0) | (access.user ? kFaultUser : 0) |
         (access.fetch ? kFaultFetch : 0);
}

bool permitted(const WalkResult& walked, Access access) {
  const bool writable = walked.writable || kMutated<Mutant::read_only_written>;
  return (!access.write || writable) && (!access.user || walked.user) &&
         (!access.fetch || walked.executable);
}

}  // namespace

// What the entries on the way allow together.
struct GuestMemory::Rights {
  uint64_t granted = kPteWritable | kPteUser;  // by all of them
  uint64_t denied = 0;                         // No-Execute: by any of them
};

// One step: reads the entry for `level` in `table` and adds it to the result. False if the walk
// ends there; then result.mapped says whether at a leaf.
inline bool GuestMemory::step(Mfn& table, PtLevel level, LinearAddr address, Rights& rights,
                              WalkResult& result) {
  const unsigned slot = address.index(level);
  const uint64_t entry = platform_.read_entry(table, slot);
  result.steps[result.step_count++] = WalkStep{table, slot, entry};
  if ((entry & kPtePresent) == 0) return false;
  rights.granted &= entry;
  rights.denied |= entry;
  result.leaf_level = level;
  const bool superpage =
      (level == PtLevel::kL2 || level == PtLevel::kL3) && (entry & kPtePageSize) != 0;
  const bool leaf = level == PtLevel::kL1 || superpage;
  const uint64_t inside = leaf ? (uint64_t{1} << level_shift(level)) - 1 : 0;
  const Maddr target((entry & kPteFrameMask & ~inside) | (address.raw() & inside));
  if (!frames_.contains(target.frame())) {
    result.fault_code |= kFaultPresent | kFaultReserved;
    return false;
  }
  result.mapped = leaf;
  result.address = target;
  table = target.frame();
  return !leaf;
}

WalkResult GuestMemory::walk(Mfn root, LinearAddr address, Access access) {
  WalkResult result;
  result.fault_code = access_bits(access);
  if (!address.canonical()) {
    result.non_canonical = true;
    return result;
  }
  if (!frames_.contains(root) || frames_.at(root).type != PageType::kL4) return result;
  if (!frames_.at(root).whole()) return result;
  Rights rights;
  Mfn table = root;
  PtLevel level = PtLevel::kL4;
  while (step(table, level, address, rights, result)) level = level_below(level);
  result.writable = (rights.granted & kPteWritable) != 0;
  result.user = (rights.granted & kPteUser) != 0;
  result.executable = (rights.denied & kPteNoExecute) == 0;
  if (!result.mapped) return result;
  result.ok = permitted(result, access);
  result.fault_code = result.ok ? 0 : result.fault_code | kFaultPresent;
  return result;
}

void GuestMemory::mark(const WalkResult& walked, bool write) {
  for (unsigned i = 0; i < walked.step_count; ++i) {
    const WalkStep& step = walked.steps[i];
    const bool leaf = i + 1 == walked.step_count;
    const uint64_t bits = kPteAccessed | (leaf && write ? kPteDirty : 0);
    // The hypervisor's own tables below its slots are not the guest's to mark.
    if (frames_.at(step.table).owner == FrameOwner::kHypervisor) return;
    uint64_t expected = step.entry;
    // Only a processor that sets the same bits can be in the way.
    while ((expected & bits) != bits &&
           !platform_.compare_exchange_entry(step.table, step.slot, expected, expected | bits)) {
    }
  }
}

WalkResult GuestMemory::walk_and_mark(Mfn root, LinearAddr address, Access access) {
  const WalkResult walked = walk(root, address, access);
  if (walked.ok) mark(walked, access.write);
  return walked;
}

bool GuestMemory::copy_from(Mfn root, void* to, LinearAddr from, size_t size) {
  auto* bytes = static_cast<unsigned char*>(to);
  fault_address_ = from;
  if (size != 0 && from.raw() + (size - 1) < from.raw()) return false;
  while (size != 0) {
    const WalkResult walked = walk_and_mark(root, from, Access{});
    if (!walked.ok) {
      fault_address_ = from;
      return false;
    }
    const size_t left_in_page = kPageSize - from.offset();
    const size_t chunk = size < left_in_page ? size : left_in_page;
    platform_.read_bytes(walked.address, bytes, chunk);
    bytes += chunk;
    from = from + chunk;
    size -= chunk;
  }
  return true;
}

bool GuestMemory::copy_to(Call& call, Mfn root, LinearAddr to, const void* from, size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(from);
  fault_address_ = to;
  if (size != 0 && to.raw() + (size - 1) < to.raw()) return false;
  while (size != 0) {
    fault_address_ = to;
    const WalkResult walked = walk(root, to, Access{.write = true});
    if (!walked.ok) return false;
    const Mfn frame = walked.address.frame();
    const bool typed = !kMutated<Mutant::write_without_types>;
    if (typed && types_.get_page_and_type(call, frame, PageType::kWritable) != Errno::kOk) {
      return false;
    }
    mark(walked, true);
    const size_t left_in_page = kPageSize - to.offset();
    const size_t chunk = size < left_in_page ? size : left_in_page;
    platform_.write_bytes(walked.address, bytes, chunk);
    if (typed) types_.put_page_and_type(call.counters, frame);
    bytes += chunk;
    to = to + chunk;
    size -= chunk;
  }
  return true;
}

}  // namespace pvmmu
