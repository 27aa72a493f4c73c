// Entries that wait for their first use (base/pte.h: kPteOnDemand): a private extension.
//
// What the guest wrote into such an entry is a request that it makes in advance, and nothing is
// held for it. It is checked when it is carried out, as an update of the entry: same references,
// same refusals. Nothing was present, so nothing is flushed.
#include "base/pte.h"
#include "entry_writer.h"
#include "pvmmu/mmu.h"

namespace pvmmu {
namespace {

bool waits(uint64_t entry) {
  return (entry & (kPtePresent | kPteOnDemand)) == kPteOnDemand;
}

bool permits(uint64_t entry, Access access) {
  return (entry & kPteUser) != 0 && (!access.write || (entry & kPteWritable) != 0) &&
         (!access.fetch || (entry & kPteNoExecute) == 0);
}

bool all_permit(const WalkResult& walked, Access access) {
  for (unsigned i = 0; i < walked.step_count; ++i) {
    if (!permits(walked.steps[i].entry, access)) return false;
  }
  return true;
}

}  // namespace

bool Mmu::fill_on_demand(Call& call, Mfn root, LinearAddr address, Access access) {
  const WalkResult walked = memory_.walk(root, address, access);
  if (walked.step_count != 4 || !waits(walked.leaf().entry) || !all_permit(walked, access)) {
    return false;
  }
  const WalkStep& leaf = walked.leaf();
  const PageInfo* page = frames_.find_guest(leaf.table);
  // never: not whole; all tables below a loaded root are.
  if (page == nullptr || page->type != PageType::kL1 || !page->whole()) return false;
  const uint64_t used = kPteAccessed | (access.write ? kPteDirty : 0);
  EntryWriter writer(platform_, types_, tlb_);
  uint64_t old_value = 0;
  const Errno error = writer.change<PtLevel::kL1>(
      call, leaf.table, leaf.slot,
      [used](uint64_t& entry) {
        entry = (entry & ~kPteOnDemand) | kPtePresent | used;
        return true;
      },
      old_value);
  tlb_.settle(call.counters);
  if (error == Errno::kOk) {
    ++call.counters.demand_fills;
    return true;
  }
  call.refusal.address = address;
  call.refusal.has_address = true;
  finish_refused(call, "demand fill", error, 0);
  return false;
}

}  // namespace pvmmu
