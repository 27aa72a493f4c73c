// What one vCPU's processor remembers of its page tables: translations of pages, and which L1 table
// serves a region (the last step of a walk). Kept until flushed, however stale, except where the
// model forgets some of it by itself.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "base/frame.h"
#include "base/linear_addr.h"
#include "sim/random.h"
#include "sim/sim_options.h"

namespace vmm {

class Tlb {
 public:
  struct Translation {
    pvmmu::Mfn frame;
    bool writable = false;
    bool dirty = false;  // D of the entry is known to be set
  };
  struct Region {
    pvmmu::Mfn l1_table;
    bool writable = false;  // as far as the upper levels say
  };

  explicit Tlb(const SimTlb& model) : keeps_(model.kind != SimTlb::Kind::kNone) {}

  bool keeps() const { return keeps_; }
  // nullptr: nothing is remembered.
  Translation* find(pvmmu::LinearAddr address) {
    const auto found = translations_.find(address.page().raw());
    return found == translations_.end() ? nullptr : &found->second;
  }
  Region* find_region(pvmmu::LinearAddr address) {
    const auto found = regions_.find(region(address));
    return found == regions_.end() ? nullptr : &found->second;
  }
  void remember(pvmmu::LinearAddr address, const Translation& translation) {
    if (keeps_) translations_[address.page().raw()] = translation;
  }
  void remember_region(pvmmu::LinearAddr address, const Region& found) {
    if (keeps_) regions_[region(address)] = found;
  }
  void forget(pvmmu::LinearAddr address) { translations_.erase(address.page().raw()); }

  void flush_all() {
    if (!translations_.empty()) translations_.clear();
    if (!regions_.empty()) regions_.clear();
  }
  // As INVLPG: also everything remembered of upper levels. [SDM 3A 4.10.4.1]
  void flush_page(pvmmu::LinearAddr address) {
    forget(address);
    regions_.clear();
  }
  // Forgets about one in eight translations.
  void evict_some(Random& random);

 private:
  static uint64_t region(pvmmu::LinearAddr address) { return address.raw() >> 21; }

  const bool keeps_;
  absl::flat_hash_map<uint64_t, Translation> translations_;
  absl::flat_hash_map<uint64_t, Region> regions_;
};

}  // namespace vmm
