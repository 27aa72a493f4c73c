// All frames and page tables of a domain as they were at the end of a run: taken from the machine,
// written into the statistics ("frames_at_end", docs/statistics.md), and read back from there.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "explain/frame_source.h"
#include "nlohmann/json.hpp"
#include "pvmmu/mmu.h"

namespace vmm {

// The base pointers of a vCPU; invalid where it has none.
struct SavedRoots {
  unsigned vcpu = 0;
  pvmmu::Mfn kernel;
  pvmmu::Mfn user;
};

class SavedFrames final : public FrameSource {
 public:
  using Entries = std::map<unsigned, uint64_t>;  // by slot, those that are not 0

  // Of a machine that stands still. `read_entry` reads an entry of a frame.
  template <typename ReadEntry>
  static SavedFrames take(const pvmmu::Mmu& mmu, unsigned vcpu_count, ReadEntry read_entry);

  nlohmann::ordered_json json() const;
  // InvalidArgument with a clause that says what is wrong.
  static absl::StatusOr<SavedFrames> parse(const nlohmann::ordered_json& json);

  size_t frame_count() const override { return states_.size(); }
  FrameState state(pvmmu::Mfn frame) const override { return states_[frame.raw()]; }
  size_t find_users(pvmmu::Mfn frame, size_t limit,
                    std::vector<pvmmu::FrameUser>& users) const override;
  std::optional<pvmmu::Mfn> frame_of_page(pvmmu::Pfn) const override { return std::nullopt; }

  const std::vector<SavedRoots>& roots() const { return roots_; }
  // What stood in a slot of a table; 0 also where the frame was no table.
  uint64_t entry(pvmmu::Mfn table, unsigned slot) const;

 private:
  void save_state(pvmmu::Mfn frame, const pvmmu::PageInfo& page);
  void save_entry(pvmmu::Mfn table, unsigned slot, uint64_t entry);
  void save_roots(const pvmmu::Mmu& mmu, unsigned vcpu_count);

  std::vector<FrameState> states_;
  std::map<pvmmu::Mfn, Entries> tables_;
  std::vector<SavedRoots> roots_;
};

template <typename ReadEntry>
SavedFrames SavedFrames::take(const pvmmu::Mmu& mmu, unsigned vcpu_count, ReadEntry read_entry) {
  SavedFrames saved;
  saved.states_.resize(mmu.frame_count());
  for (size_t i = 0; i < mmu.frame_count(); ++i) {
    const pvmmu::Mfn frame(i);
    const pvmmu::PageInfo& page = mmu.page_info(frame);
    saved.save_state(frame, page);
    if (!pvmmu::is_table(page.type)) continue;
    for (unsigned slot = 0; slot < page.validated_entries; ++slot) {
      saved.save_entry(frame, slot, read_entry(frame, slot));
    }
  }
  saved.save_roots(mmu, vcpu_count);
  return saved;
}

}  // namespace vmm
