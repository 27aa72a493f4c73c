// The device's own translations, and the cache in front of them.
#include "accelerator/translations.h"

#include <gtest/gtest.h>

namespace vmm {
namespace {

using pvmmu::Mfn;

constexpr uint64_t kPage = 4096;

DeviceEntry entry(uint64_t frame, bool writable) {
  DeviceEntry entry;
  entry.frame = Mfn(frame);
  entry.writable = writable;
  return entry;
}

class TranslationsTest : public testing::Test {
 protected:
  bool uses(uint64_t context, uint64_t address, bool write, uint64_t frame) {
    const DeviceEntry* found = table.use({context, address}, write);
    return found != nullptr && found->frame == Mfn(frame);
  }
  std::vector<DeviceEntry> remove_all() {
    return table.remove_leaving([](const DeviceEntry&) { return true; });
  }
  Translations table;
};

TEST_F(TranslationsTest, AnEntryPermitsWhatItSays) {
  table.establish({1, 0}, entry(7, false));
  table.establish({1, kPage}, entry(8, true));
  EXPECT_TRUE(uses(1, 0, false, 7));
  EXPECT_EQ(table.use({1, 0}, true), nullptr);
  EXPECT_TRUE(uses(1, kPage, true, 8));
  EXPECT_EQ(table.use({2, 0}, false), nullptr) << "another context";
  EXPECT_EQ(table.use({1, 2 * kPage}, false), nullptr);
}

TEST_F(TranslationsTest, UseSetsAccessed) {
  table.establish({1, 0}, entry(7, true));
  table.establish({1, kPage}, entry(8, true));
  EXPECT_TRUE(table.use({1, 0}, false)->accessed);
  EXPECT_TRUE(table.use({1, kPage}, true)->accessed);
}

TEST_F(TranslationsTest, TheCacheForgetsWhatIsTakenOutOrReplaced) {
  for (uint64_t i = 0; i < 40; ++i) table.establish({1, i * kPage}, entry(100 + i, true));
  for (unsigned round = 0; round < 2; ++round) EXPECT_TRUE(uses(1, 3 * kPage, true, 103));
  EXPECT_GT(table.cache_hits(), 0u);
  table.establish({1, 3 * kPage}, entry(200, false));
  EXPECT_TRUE(uses(1, 3 * kPage, false, 200));
  EXPECT_EQ(table.use({1, 3 * kPage}, true), nullptr);
  table.take_out(1, 2 * kPage, 5 * kPage);
  for (uint64_t i = 2; i < 5; ++i) EXPECT_EQ(table.use({1, i * kPage}, false), nullptr);
  EXPECT_TRUE(uses(1, kPage, true, 101));
  EXPECT_TRUE(uses(1, 5 * kPage, true, 105));
  EXPECT_EQ(table.entry_count(), 37u);
}

TEST_F(TranslationsTest, WhatLeavesHoldsItsReferenceUntilItIsGone) {
  table.establish({1, 0}, entry(7, true));
  table.establish({1, kPage}, entry(8, true));
  table.establish({1, kPage}, entry(9, true));  // 8 leaves
  table.take_out(1, 0, kPage);                  // 7 leaves
  EXPECT_EQ(table.entry_count(), 1u);
  EXPECT_EQ(table.frames().size(), 3u);
  const auto gone =
      table.remove_leaving([](const DeviceEntry& leaving) { return leaving.frame == Mfn(8); });
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_TRUE(table.any_leaving());
  EXPECT_EQ(table.frames().size(), 2u);
  EXPECT_EQ(remove_all().size(), 1u);
  EXPECT_FALSE(table.any_leaving());
}

TEST_F(TranslationsTest, ContextsAreApart) {
  table.establish({1, 0}, entry(7, true));
  table.establish({2, 0}, entry(8, true));
  table.take_out(1, 0, UINT64_MAX);
  EXPECT_EQ(table.use({1, 0}, false), nullptr);
  EXPECT_TRUE(uses(2, 0, true, 8));
}

}  // namespace
}  // namespace vmm
