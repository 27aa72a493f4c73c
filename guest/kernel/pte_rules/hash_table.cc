#include "pte_rules/hash_table.h"

namespace kernel::pte_rules {
namespace {

// A page has 63 bits. (Linux: HPTE_V_VALID)
constexpr uint64_t kValid = uint64_t{1} << 63;

constexpr unsigned kGroupMask = HashTable::kGroups - 1;
static_assert((HashTable::kGroups & kGroupMask) == 0, "the complement's low bits are a group too");

}  // namespace

void HashTable::start(void* storage) {
  *this = HashTable();
  slots_ = static_cast<uint64_t*>(storage);
  for (unsigned i = 0; i < kGroups * kSlotsPerGroup; ++i) {
    slots_[i] = 0;
  }
}

uint64_t HashTable::tag_of(HashPage page) {
  return page.raw() | kValid;
}

uint64_t* HashTable::group_of(HashPage page, bool secondary) const {
  const uint64_t hash = secondary ? ~page.hash() : page.hash();
  return slots_ + (hash & kGroupMask) * kSlotsPerGroup;
}

uint64_t* HashTable::slot_of(HashPage page, HashBits bits) const {
  return group_of(page, bits.secondary()) + bits.slot();
}

uint64_t* HashTable::find(HashPage page) const {
  uint64_t* primary = group_of(page, false);
  uint64_t* secondary = group_of(page, true);
  for (unsigned i = 0; i < kSlotsPerGroup; ++i) {
    if (primary[i] == tag_of(page)) {
      return primary + i;
    }
    if (secondary[i] == tag_of(page)) {
      return secondary + i;
    }
  }
  return nullptr;
}

bool HashTable::has(HashPage page) const {
  return find(page) != nullptr;
}

bool HashTable::holds(HashPage page, HashBits bits) const {
  return bits.hashed() && *slot_of(page, bits) == tag_of(page);
}

bool HashTable::invalidate(HashPage page, HashBits bits) {
  if (!holds(page, bits)) {
    return false;
  }
  *slot_of(page, bits) = 0;
  return true;
}

bool HashTable::drop(HashPage page) {
  uint64_t* slot = find(page);
  if (slot == nullptr) {
    return false;
  }
  *slot = 0;
  return true;
}

bool HashTable::insert_in(HashPage page, bool secondary, HashBits& bits) {
  uint64_t* group = group_of(page, secondary);
  for (unsigned i = 0; i < kSlotsPerGroup; ++i) {
    if (group[i] == 0) {
      group[i] = tag_of(page);
      bits = HashBits(secondary, i);
      return true;
    }
  }
  return false;
}

// Linux asks the time base. What is asked here is the same in each run.
unsigned HashTable::random() {
  random_ = random_ * 6364136223846793005 + 1442695040888963407;
  return static_cast<unsigned>(random_ >> 33);
}

// Both groups are full.
HashPage HashTable::make_room(HashPage page) {
  const unsigned chosen = random();
  uint64_t* group = group_of(page, (chosen & kSlotsPerGroup) != 0);
  uint64_t& victim = group[chosen % kSlotsPerGroup];
  const HashPage evicted = HashPage::from_raw(victim & ~kValid);
  victim = 0;
  ++evicted_;
  return evicted;
}

HashTable::Inserted HashTable::insert(HashPage page) {
  Inserted result;
  result.was_there = drop(page);
  if (!insert_in(page, false, result.bits) && !insert_in(page, true, result.bits)) {
    result.evicts = true;
    result.evicted = make_room(page);
    if (!insert_in(page, false, result.bits)) {
      insert_in(page, true, result.bits);
    }
  }
  ++inserted_;
  return result;
}

}  // namespace kernel::pte_rules
