// The machine below the MMU, for tests: memory in an array, a stale-TLB oracle, and a check of
// every promise that the MMU makes to a platform.
//
// Findings collect as text; none may ever appear:
//   - accesses stay inside memory and inside one frame; flushes name vCPUs that exist and a
//     canonical address
//   - plain writes go to frames typed writable (or checked descriptor tables), compare-exchanges to
//     tables: no write of the hypervisor escapes the types
//   - a change of a present entry is announced (entry_changed) before the next flush and before the
//     call returns
//   - every frame typed L1..L4 was announced by frame_becomes_table
//   - what the oracle finds
#pragma once

#include <stdint.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pvmmu/forced_cuts.h"
#include "pvmmu/page_info.h"
#include "pvmmu/platform.h"
#include "small_domain.h"
#include "step.h"
#include "tlb_oracle.h"

namespace pvmmu::model {

class CheckedPlatform final : public Platform, private TlbOracle::View {
 public:
  CheckedPlatform(std::span<const PageInfo> types, unsigned vcpu_count);

  // What class Mmu calls.
  uint64_t read_entry(Mfn table, unsigned index) override;
  bool compare_exchange_entry(Mfn table, unsigned index, uint64_t& expected,
                              uint64_t desired) override;
  void read_bytes(Maddr from, void* to, size_t size) override;
  void write_bytes(Maddr to, const void* from, size_t size) override;
  void write_m2p(Mfn frame, Pfn pfn) override { pfns_.at(frame.raw()) = pfn.raw(); }
  void entry_changed(Mfn table, unsigned index) override;
  void frame_becomes_table(Mfn table) override;
  void flush_tlb(VcpuMask vcpus, TlbFlush what) override;
  VcpuMask all_vcpus() override { return all_vcpus_; }
  uint64_t hypervisor_slot_entry(unsigned slot) override { return hypervisor_entry(slot); }
  uint32_t allow_steps(bool resumed, uint64_t steps) override {
    return cuts_.allow(resumed, steps);
  }

  // What the test does.
  TlbOracle& oracle() { return oracle_; }
  void set_cuts(ForcedCuts cuts) { cuts_ = cuts; }
  // Arms the race for the step that comes, or disarms it.
  void set_race(const Race& race) { race_ = race; }
  // A store that is not the hypervisor's: by a processor, through a translation that permits it.
  void store(uint64_t frame, unsigned slot, uint64_t value);
  // The step is done, and the vCPUs run on these roots.
  void check_at_rest(const std::vector<TlbOracle::Roots>& roots);

  // The first finding, if any.
  std::optional<std::string> finding() const;
  const Image& memory() const { return memory_; }
  const std::array<uint64_t, kFrames>& pfns() const { return pfns_; }
  // Frames that changed since the last call, one bit each.
  uint64_t take_changed_frames();

 private:
  using View = TlbOracle::View;
  size_t frame_count() const override { return kFrames; }
  uint64_t entry(Mfn table, unsigned slot) const override { return memory_[index(table, slot)]; }
  unsigned next_used_slot(Mfn table, unsigned from) const override;
  PageType type_of(Mfn frame) const override { return types_[frame.raw()].type; }
  bool is_validated(Mfn frame) const override { return types_[frame.raw()].whole(); }

  static size_t index(Mfn frame, unsigned slot) { return frame.raw() * kEntriesPerTable + slot; }
  bool inside(Maddr at, size_t size);
  void note_written(Mfn frame, unsigned first_slot, unsigned last_slot);
  void race_before_exchange(Mfn table, unsigned slot);
  void expect_table(Mfn table, const char* what);
  void find(std::string text) { findings_.push_back(std::move(text)); }

  struct Place {
    Mfn table;
    unsigned slot;
  };

  std::span<const PageInfo> types_;
  const VcpuMask all_vcpus_;
  Image memory_;
  std::array<uint64_t, kFrames> pfns_{};
  std::array<std::array<uint64_t, kEntriesPerTable / 64>, kFrames> used_slots_{};
  uint64_t changed_frames_ = ~uint64_t{0};
  Race race_;
  ForcedCuts cuts_ = ForcedCuts::never();
  std::vector<Place> unannounced_;  // changed entries that nobody was told of yet
  std::array<bool, kFrames> announced_{};
  std::vector<std::string> findings_;
  TlbOracle oracle_;
};

static_assert(kFrames <= 64 && kFrames <= TlbOracle::kMostFrames, "a set of frames is one word");

}  // namespace pvmmu::model
