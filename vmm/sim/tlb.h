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

  // nullptr: nothing is remembered.
  const Translation* find(pvmmu::LinearAddr address) const {
    return find_in(translations_, address.page().raw());
  }
  const Region* find_region(pvmmu::LinearAddr address) const {
    return find_in(regions_, region(address));
  }
  void remember(pvmmu::LinearAddr address, const Translation& translation) {
    if (keeps_) translations_.entries[address.page().raw()] = {translation, translations_.age};
  }
  void remember_region(pvmmu::LinearAddr address, const Region& found) {
    if (keeps_) regions_.entries[region(address)] = {found, regions_.age};
  }
  void forget(pvmmu::LinearAddr address) {
    if (keeps_) translations_.entries.erase(address.page().raw());
  }

  void flush_all() {
    ++translations_.age;
    ++regions_.age;
  }
  // As INVLPG: also everything remembered of upper levels. [SDM 3A 4.10.4.1]
  void flush_page(pvmmu::LinearAddr address) {
    forget(address);
    ++regions_.age;
  }
  // Forgets about one in eight translations.
  void evict_some(Random& random);

 private:
  // What is of another age was flushed: so a flush costs nothing.
  template <typename T>
  struct Entry {
    T value;
    uint64_t age;
  };
  template <typename T>
  struct Store {
    absl::flat_hash_map<uint64_t, Entry<T>> entries;
    uint64_t age = 0;
  };

  static uint64_t region(pvmmu::LinearAddr address) { return address.raw() >> 21; }
  template <typename T>
  const T* find_in(const Store<T>& store, uint64_t key) const {
    if (!keeps_) return nullptr;
    const auto found = store.entries.find(key);
    if (found == store.entries.end() || found->second.age != store.age) return nullptr;
    return &found->second.value;
  }

  const bool keeps_;
  Store<Translation> translations_;
  Store<Region> regions_;
};

}  // namespace vmm
