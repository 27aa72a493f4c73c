// The hash table of the modelled powerpc machine: where entries go, who has to make room, and that
// it loses nothing else.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "pte_rules/hash_table.h"

namespace kernel::pte_rules {
namespace {

constexpr uint64_t kPage = 0x1000;
constexpr unsigned kSlots = HashTable::kSlotsPerGroup;

class Table {
 public:
  Table() { table_.start(storage_.data()); }
  HashTable* operator->() { return &table_; }

 private:
  std::vector<uint64_t> storage_ =
      std::vector<uint64_t>(HashTable::kStorageBytes / sizeof(uint64_t), 77);
  HashTable table_;
};

// Pages of one segment that all hash to the same group.
std::vector<HashPage> pages_of_one_group(unsigned count) {
  std::vector<HashPage> pages;
  for (unsigned i = 0; i < count; ++i) {
    pages.emplace_back(5, uint64_t{i} * HashTable::kGroups * kPage);
  }
  return pages;
}

TEST(HashPage, NoTwoPagesAreTheSame) {
  std::set<uint64_t> seen;
  unsigned count = 0;
  for (const uint64_t context : {0u, 1u, 2u, 3u, 4096u, (1u << 28) - 2}) {
    for (uint64_t segment = 0; segment < (uint64_t{1} << 19); segment += 509) {
      for (const uint64_t page : {0u, 1u, 0xffffu}) {
        const HashPage made(context, segment << 28 | page * kPage);
        EXPECT_LT(made.raw(), uint64_t{1} << 63);
        seen.insert(made.raw());
        ++count;
      }
    }
  }
  EXPECT_EQ(seen.size(), count);
}

TEST(HashPage, TheSameAddressesOfManyProcessesSpread) {
  std::map<uint64_t, unsigned> groups;
  for (uint64_t context = 1000; context < 1000 + HashTable::kGroups; ++context) {
    ++groups[HashPage(context, 0x10000000).hash() % HashTable::kGroups];
  }
  EXPECT_GT(groups.size(), HashTable::kGroups / 2);
}

TEST(HashTable, FillsThePrimaryGroupThenTheSecondary) {
  Table table;
  const std::vector<HashPage> pages = pages_of_one_group(2 * kSlots);
  for (unsigned i = 0; i < pages.size(); ++i) {
    EXPECT_EQ(pages[i].hash() % HashTable::kGroups, pages[0].hash() % HashTable::kGroups);
    const HashTable::Inserted made = table->insert(pages[i]);
    EXPECT_EQ(made.bits, HashBits(i >= kSlots, i % kSlots)) << i;
    EXPECT_FALSE(made.evicts || made.was_there) << i;
  }
  for (unsigned i = 0; i < pages.size(); ++i) {
    EXPECT_TRUE(table->holds(pages[i], HashBits(i >= kSlots, i % kSlots))) << i;
    EXPECT_FALSE(table->holds(pages[i], HashBits(i < kSlots, i % kSlots))) << i;
    EXPECT_FALSE(table->holds(pages[i], HashBits())) << i;
  }
  EXPECT_EQ(table->inserted(), pages.size());
  EXPECT_EQ(table->evicted(), 0u);
}

TEST(HashTable, OneOfBothFullGroupsMakesRoom) {
  std::set<bool> groups_that_did;
  Table table;
  std::map<uint64_t, HashBits> there;
  for (const HashPage page : pages_of_one_group(64)) {
    const HashTable::Inserted made = table->insert(page);
    EXPECT_EQ(made.evicts, there.size() == 2 * kSlots);
    if (made.evicts) {
      const auto victim = there.find(made.evicted.raw());
      ASSERT_NE(victim, there.end());
      EXPECT_FALSE(table->has(made.evicted));
      EXPECT_EQ(made.bits, victim->second) << "the slot that became free";
      groups_that_did.insert(victim->second.secondary());
      there.erase(victim);
    }
    there[page.raw()] = made.bits;
  }
  EXPECT_EQ(groups_that_did.size(), 2u);
  EXPECT_EQ(table->evicted(), 64 - 2 * kSlots);
}

TEST(HashTable, WhoLostTheSlotTakesNothingFromItsNewOwner) {
  Table table;
  std::map<uint64_t, HashBits> bits;
  HashTable::Inserted last;
  HashPage newest;
  for (const HashPage page : pages_of_one_group(2 * kSlots + 1)) {
    newest = page;
    last = table->insert(page);
    bits[page.raw()] = last.bits;
  }
  ASSERT_TRUE(last.evicts);
  const HashBits stale = bits[last.evicted.raw()];
  ASSERT_EQ(stale, last.bits);
  EXPECT_FALSE(table->holds(last.evicted, stale));
  EXPECT_FALSE(table->invalidate(last.evicted, stale));
  EXPECT_TRUE(table->holds(newest, last.bits));
}

TEST(HashTable, ASecondEntryOfAPageIsFoundInEitherGroup) {
  Table table;
  const std::vector<HashPage> pages = pages_of_one_group(2 * kSlots);
  std::vector<HashBits> bits;
  for (const HashPage page : pages) {
    bits.push_back(table->insert(page).bits);
  }
  for (const unsigned i : {3u, kSlots + 3}) {
    const HashTable::Inserted again = table->insert(pages[i]);
    EXPECT_TRUE(again.was_there);
    EXPECT_TRUE(table->holds(pages[i], again.bits));
    EXPECT_TRUE(table->drop(pages[i]));
    EXPECT_FALSE(table->has(pages[i])) << "the first is gone as well";
  }
  // The primary group has room again: an entry that stands in the secondary is found from there.
  ASSERT_TRUE(bits.back().secondary());
  const HashTable::Inserted last = table->insert(pages.back());
  EXPECT_TRUE(last.was_there);
  EXPECT_FALSE(last.bits.secondary());
  EXPECT_FALSE(table->holds(pages.back(), bits.back()));
}

// What is believed to be in the table: by page, where.
class RandomTable {
 public:
  explicit RandomTable(unsigned seed) : random_(seed) {}

  void step() {
    const HashPage page(1 + pick(3), 0x10000000 + pick(kPages) * kPage);
    const auto known = model_.find(page.raw());
    switch (pick(4)) {
      case 0:
        EXPECT_EQ(table_->drop(page), known != model_.end());
        model_.erase(page.raw());
        return;
      case 1: {
        const HashBits bits(pick(2) != 0, static_cast<unsigned>(pick(kSlots)));
        const bool right = known != model_.end() && known->second == bits;
        EXPECT_EQ(table_->invalidate(page, bits), right);
        if (right) {
          model_.erase(known);
        }
        return;
      }
      default:
        insert(page, known != model_.end());
    }
  }
  void check() {
    uint64_t count = 0;
    for (uint64_t context = 1; context <= 3; ++context) {
      for (uint64_t i = 0; i < kPages; ++i) {
        const HashPage page(context, 0x10000000 + i * kPage);
        const auto known = model_.find(page.raw());
        ASSERT_EQ(table_->has(page), known != model_.end());
        if (known != model_.end()) {
          ASSERT_TRUE(table_->holds(page, known->second));
          ++count;
        }
      }
    }
    EXPECT_EQ(count, model_.size());
  }
  uint64_t evicted() { return table_->evicted(); }

 private:
  static constexpr uint64_t kPages = 400;
  uint64_t pick(uint64_t count) { return random_() % count; }

  void insert(HashPage page, bool is_known) {
    const HashTable::Inserted made = table_->insert(page);
    EXPECT_EQ(made.was_there, is_known);
    model_.erase(page.raw());
    if (made.evicts) {
      EXPECT_EQ(model_.erase(made.evicted.raw()), 1u);
    }
    model_[page.raw()] = made.bits;
  }

  std::mt19937_64 random_;
  Table table_;
  std::map<uint64_t, HashBits> model_;
};

TEST(HashTable, HoldsWhatAPlainMapHolds) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    RandomTable random(seed);
    for (unsigned i = 0; i < 20000; ++i) {
      random.step();
      if (i % 1000 == 0) {
        random.check();
      }
    }
    random.check();
    EXPECT_GT(random.evicted(), 50u);
  }
}

}  // namespace
}  // namespace kernel::pte_rules
