#include "sim/tlb.h"

#include <gtest/gtest.h>

#include <vector>

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;

constexpr SimTlb kFull{SimTlb::Kind::kFull, 0};
constexpr LinearAddr kPage(0x10000000);
constexpr LinearAddr kNext(0x10001000);
constexpr LinearAddr kFarAway(0x40000000);

TEST(Tlb, RemembersNothingIfItIsToldSo) {
  Tlb tlb(SimTlb{SimTlb::Kind::kNone, 0});
  tlb.remember(kPage, {Mfn(7), true, true});
  tlb.remember_region(kPage, {Mfn(8), true});
  EXPECT_EQ(tlb.find(kPage), nullptr);
  EXPECT_EQ(tlb.find_region(kPage), nullptr);
}

TEST(Tlb, RemembersPagesAndTheTablesOfRegions) {
  Tlb tlb(kFull);
  tlb.remember(kPage, {Mfn(7), true, false});
  tlb.remember_region(kPage, {Mfn(8), false});
  ASSERT_NE(tlb.find(kPage + 0x123), nullptr);
  EXPECT_EQ(tlb.find(kPage)->frame, Mfn(7));
  EXPECT_TRUE(tlb.find(kPage)->writable);
  EXPECT_FALSE(tlb.find(kPage)->dirty);
  EXPECT_EQ(tlb.find(kNext), nullptr);
  EXPECT_EQ(tlb.find_region(kNext)->l1_table, Mfn(8));
  EXPECT_EQ(tlb.find_region(kFarAway), nullptr);
}

TEST(Tlb, AFlushOfAPageDropsItAndAllRegions) {
  Tlb tlb(kFull);
  tlb.remember(kPage, {Mfn(7), true, true});
  tlb.remember(kNext, {Mfn(9), true, true});
  tlb.remember_region(kFarAway, {Mfn(8), true});
  tlb.flush_page(kPage);
  EXPECT_EQ(tlb.find(kPage), nullptr);
  EXPECT_EQ(tlb.find(kNext)->frame, Mfn(9));
  EXPECT_EQ(tlb.find_region(kFarAway), nullptr);
}

TEST(Tlb, AFlushOfAllDropsAllAndWhatComesAfterStays) {
  Tlb tlb(kFull);
  tlb.remember(kPage, {Mfn(7), true, true});
  tlb.flush_all();
  EXPECT_EQ(tlb.find(kPage), nullptr);
  tlb.remember(kPage, {Mfn(9), true, true});
  EXPECT_EQ(tlb.find(kPage)->frame, Mfn(9));
}

std::vector<uint64_t> left_after_eviction(uint64_t seed) {
  Tlb tlb(kFull);
  for (uint64_t i = 0; i < 100; ++i) tlb.remember(kPage + i * 0x1000, {Mfn(i), true, true});
  Random random(seed);
  tlb.evict_some(random);
  std::vector<uint64_t> left;
  for (uint64_t i = 0; i < 100; ++i) {
    if (tlb.find(kPage + i * 0x1000) != nullptr) left.push_back(i);
  }
  return left;
}

TEST(Tlb, WhatIsEvictedFollowsFromTheSeed) {
  EXPECT_LT(left_after_eviction(1).size(), 100u);
  EXPECT_GT(left_after_eviction(1).size(), 50u);
  EXPECT_EQ(left_after_eviction(1), left_after_eviction(1));
  EXPECT_NE(left_after_eviction(1), left_after_eviction(2));
}

}  // namespace
}  // namespace vmm
