// The table in which processors of powerpc64 find translations: one for the whole machine, filled
// by the kernel when a processor faults.
//
// Groups of eight slots. A page's translation stands in one of two groups: that of its hash
// (primary), or, where that is full, that of the hash's complement (secondary). Where both are
// full, some entry of one of them makes room, and the pte that it came from is not told: so who
// believes that a slot is a page's compares the tag first. Nothing here but slots and tags: rights
// and frames are not modelled.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace kernel::pte_rules {

// A page of an address space, as the table's tag has it: the number of its segment of 256 MiB, and
// the page in that. (Linux: vpn, vsid)
class HashPage {
 public:
  constexpr HashPage() = default;
  // The context tells address spaces apart: below 2^28. The address is one of the user half.
  constexpr HashPage(uint64_t context, uint64_t address)
      : bits_(segment_number(context, address >> kSegmentShift) << kPageBits |
              ((address >> kPageShift) & kPageMask)) {}
  static constexpr HashPage from_raw(uint64_t bits) {
    HashPage page;
    page.bits_ = bits;
    return page;
  }

  // hpt_hash() for pages of 4 KiB.
  constexpr uint64_t hash() const { return (bits_ >> kPageBits) ^ (bits_ & kPageMask); }
  constexpr uint64_t raw() const { return bits_; }
  friend constexpr bool operator==(HashPage, HashPage) = default;

 private:
  static constexpr unsigned kPageShift = 12;
  static constexpr unsigned kSegmentShift = 28;
  static constexpr unsigned kPageBits = kSegmentShift - kPageShift;
  static constexpr uint64_t kPageMask = (uint64_t{1} << kPageBits) - 1;
  static constexpr unsigned kSegmentBits = 47 - kSegmentShift;
  static constexpr unsigned kNumberBits = 28 + kSegmentBits;
  static constexpr uint64_t kNumberMask = (uint64_t{1} << kNumberBits) - 1;

  // Multiplies modulo 2^47 - 1, so that no two are the same and all bits decide where it hashes to.
  // (Linux: vsid_scramble)
  static constexpr uint64_t segment_number(uint64_t context, uint64_t segment) {
    constexpr uint64_t kMultiplier = 268435399;  // prime, and no factor of the modulus
    const uint64_t plain = context << kSegmentBits | segment;
    const auto product = static_cast<unsigned __int128>(plain) * kMultiplier;
    const auto folded = static_cast<uint64_t>((product & kNumberMask) + (product >> kNumberBits));
    return (folded & kNumberMask) + (folded >> kNumberBits);
  }

  uint64_t bits_ = 0;
};

// What a pte remembers of its entry in the table. (Linux: H_PAGE_HASHPTE, H_PAGE_F_SECOND,
// H_PAGE_F_GIX)
class HashBits {
 public:
  constexpr HashBits() = default;  // it has never had one
  constexpr HashBits(bool secondary, unsigned slot)
      : bits_(static_cast<uint8_t>(kHashed | (secondary ? kSecondary : 0) | slot)) {}

  constexpr bool hashed() const { return (bits_ & kHashed) != 0; }
  constexpr bool secondary() const { return (bits_ & kSecondary) != 0; }
  constexpr unsigned slot() const { return bits_ & kSlotMask; }
  friend constexpr bool operator==(HashBits, HashBits) = default;

 private:
  static constexpr unsigned kSlotMask = 7;
  static constexpr unsigned kSecondary = 8;
  static constexpr unsigned kHashed = 16;
  uint8_t bits_ = 0;
};

class HashTable {
 public:
  static constexpr unsigned kGroups = 64;
  static constexpr unsigned kSlotsPerGroup = 8;
  static constexpr size_t kStorageBytes = size_t{kGroups} * kSlotsPerGroup * sizeof(uint64_t);

  constexpr HashTable() = default;
  // Takes the storage, which stays.
  void start(void* storage);

  struct Inserted {
    HashBits bits;
    bool was_there = false;  // the page had an entry already: two would be fatal, so that one goes
    bool evicts = false;     // this page's made room
    HashPage evicted;
  };
  Inserted insert(HashPage page);
  // The slot has this page's entry, by its tag.
  bool holds(HashPage page, HashBits bits) const;
  // Looks into both groups.
  bool has(HashPage page) const;
  // What holds() is no more in the table; false: it was not.
  bool invalidate(HashPage page, HashBits bits);
  // The page has no entry any more, wherever it was; false: it had none.
  bool drop(HashPage page);

  uint64_t inserted() const { return inserted_; }
  uint64_t evicted() const { return evicted_; }

 private:
  static uint64_t tag_of(HashPage page);
  uint64_t* group_of(HashPage page, bool secondary) const;
  uint64_t* slot_of(HashPage page, HashBits bits) const;
  uint64_t* find(HashPage page) const;
  bool insert_in(HashPage page, bool secondary, HashBits& bits);
  HashPage make_room(HashPage page);
  unsigned random();

  uint64_t* slots_ = nullptr;  // tags; 0: free
  uint64_t random_ = 0;
  uint64_t inserted_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace kernel::pte_rules
