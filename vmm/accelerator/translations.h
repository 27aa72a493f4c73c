// The accelerator's own translations: what the guest's driver established, by context and page, and
// a small cache in front of it.
//
// An entry that is taken out stays in a list of those that leave until its frame's reference has
// been given back: an access that began before may still be under way. Knows nothing of references
// and page tables.
//
// Not locked: the device's mutex.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/frame.h"

namespace vmm {

// A page of a context: its address, whose low bits are 0.
struct DevicePage {
  uint64_t context = 0;
  uint64_t address = 0;
  friend auto operator<=>(const DevicePage&, const DevicePage&) = default;
};

struct DeviceEntry {
  pvmmu::Mfn frame;
  std::byte* bytes = nullptr;  // the frame's
  bool writable = false;
  bool accessed = false;
};

class Translations {
 public:
  // The entry that permits the access, which is accessed from now on; nullptr: none does.
  DeviceEntry* use(const DevicePage& page, bool write);

  // What the page had before begins to leave.
  void establish(const DevicePage& page, const DeviceEntry& entry);
  // The entries of the pages from address to `end` begin to leave.
  void take_out(uint64_t context, uint64_t address, uint64_t end);
  // One entry begins to leave; there must be one.
  void take_out_any();
  // Calls visit(page, entry) for each entry of the range.
  template <typename Visit>
  void for_each(uint64_t context, uint64_t address, uint64_t end, Visit visit) {
    for (auto at = entries_.lower_bound({context, address});
         at != entries_.end() && at->first < DevicePage{context, end}; ++at) {
      visit(at->first, at->second);
    }
  }

  template <typename Visit>
  void for_each_entry(Visit visit) const {
    for (const auto& [page, entry] : entries_) visit(page, entry);
  }

  // The entries that have been taken out and of which `gone` is true; their frames' references are
  // the caller's to give back.
  template <typename Gone>
  std::vector<DeviceEntry> remove_leaving(Gone gone) {
    std::vector<DeviceEntry> removed;
    std::erase_if(leaving_, [&](const DeviceEntry& entry) {
      if (!gone(entry)) return false;
      removed.push_back(entry);
      return true;
    });
    return removed;
  }
  bool any_leaving() const { return !leaving_.empty(); }

  size_t entry_count() const { return entries_.size(); }
  // Those that leave are among them: each holds a reference of its frame.
  std::vector<pvmmu::Mfn> frames() const;

  uint64_t cache_hits() const { return cache_hits_; }

 private:
  static constexpr size_t kCacheSize = 16;
  struct CacheLine {
    DevicePage page;
    DeviceEntry* entry = nullptr;  // in entries_, whose nodes stay in place
  };
  CacheLine& line_of(const DevicePage& page) {
    return cache_[(page.address / pvmmu::kPageSize + page.context) % kCacheSize];
  }
  void forget(const DevicePage& page);

  std::map<DevicePage, DeviceEntry> entries_;
  std::vector<DeviceEntry> leaving_;
  std::array<CacheLine, kCacheSize> cache_;
  uint64_t cache_hits_ = 0;
};

}  // namespace vmm
