// The order of a domain's frames.
#include "domain/p2m.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace vmm {
namespace {

using pvmmu::Mfn;

TEST(P2m, IdentityKeepsTheOrder) {
  const auto p2m = make_p2m(P2mOrder::kIdentity, Mfn(100), 4, 7);
  EXPECT_EQ(p2m, (std::vector<Mfn>{Mfn(100), Mfn(101), Mfn(102), Mfn(103)}));
}

TEST(P2m, ShuffledIsAPermutation) {
  auto p2m = make_p2m(P2mOrder::kShuffled, Mfn(50), 10'000, 1);
  unsigned in_place = 0;
  for (uint64_t pfn = 0; pfn < p2m.size(); ++pfn) in_place += p2m[pfn] == Mfn(50 + pfn) ? 1 : 0;
  EXPECT_LT(in_place, 20u);
  std::sort(p2m.begin(), p2m.end());
  EXPECT_EQ(p2m, make_p2m(P2mOrder::kIdentity, Mfn(50), 10'000, 0));
}

// The same everywhere: counts of whole runs depend on it.
TEST(P2m, ShuffleIsFixedByTheSeed) {
  const auto p2m = make_p2m(P2mOrder::kShuffled, Mfn(0), 8, 1);
  const std::vector<uint64_t> golden = {4, 3, 2, 7, 5, 6, 0, 1};
  std::vector<uint64_t> numbers;
  for (const Mfn frame : p2m) numbers.push_back(frame.raw());
  EXPECT_EQ(numbers, golden);
  EXPECT_NE(make_p2m(P2mOrder::kShuffled, Mfn(0), 64, 1),
            make_p2m(P2mOrder::kShuffled, Mfn(0), 64, 2));
}

TEST(P2m, SmallDomains) {
  EXPECT_TRUE(make_p2m(P2mOrder::kShuffled, Mfn(3), 0, 1).empty());
  EXPECT_EQ(make_p2m(P2mOrder::kShuffled, Mfn(3), 1, 1), std::vector<Mfn>{Mfn(3)});
}

}  // namespace
}  // namespace vmm
