// The sorted list of areas: place, split, merge, gaps.
#include <gtest/gtest.h>

#include "mm/shared_object.h"
#include "mm/vma.h"
#include "mm_fake_machine.h"

namespace kernel::test {
namespace {

constexpr uint64_t kPage = 0x1000;

class VmaTest : public testing::Test {
 protected:
  VmaTest() { FakeMachine::instance().start(Options{}); }
  ~VmaTest() override {
    while (Vma* area = areas_.first()) {
      areas_.remove(*area);
    }
  }

  Vma* add(uint64_t first_page, uint64_t pages, uint64_t prot = guest_abi::kProtRead) {
    Vma area;
    area.start = first_page * kPage;
    area.end = (first_page + pages) * kPage;
    area.prot = prot;
    return areas_.insert(area);
  }
  // "[first,pages)" of every area, in order.
  std::string layout() const {
    std::string text;
    for (const Vma* area = areas_.first(); area != nullptr; area = area->next) {
      text += "[" + std::to_string(area->start / kPage) + "," +
              std::to_string((area->end - area->start) / kPage) + ")";
      EXPECT_TRUE(area->next == nullptr || area->next->previous == area);
    }
    return text;
  }

  inline static VmaPool pool_;
  VmaList areas_{pool_};
};

TEST_F(VmaTest, NeighboursThatAreAlikeMerge) {
  add(10, 2);
  add(14, 2);
  EXPECT_EQ(layout(), "[10,2)[14,2)");
  Vma* middle = add(12, 2);
  EXPECT_EQ(layout(), "[10,6)");
  EXPECT_EQ(middle->start, 10 * kPage);
}

TEST_F(VmaTest, OtherRightsOrEagerAreasDoNotMerge) {
  add(10, 2);
  add(12, 2, guest_abi::kProtWrite);
  EXPECT_EQ(layout(), "[10,2)[12,2)");
  Vma eager;
  eager.start = 14 * kPage;
  eager.end = 15 * kPage;
  eager.prot = guest_abi::kProtWrite;
  eager.eager = true;
  ASSERT_NE(areas_.insert(eager), nullptr);
  EXPECT_EQ(layout(), "[10,2)[12,2)[14,1)");
}

TEST_F(VmaTest, SplitAtEndsAndMergeAgain) {
  add(10, 10);
  ASSERT_TRUE(areas_.split_at_ends(12 * kPage, 15 * kPage));
  EXPECT_EQ(layout(), "[10,2)[12,3)[15,5)");
  ASSERT_TRUE(areas_.split_at_ends(12 * kPage, 15 * kPage));  // nothing left to split
  EXPECT_EQ(layout(), "[10,2)[12,3)[15,5)");
  areas_.merge(12 * kPage, 15 * kPage);
  EXPECT_EQ(layout(), "[10,10)");
}

TEST_F(VmaTest, FindAndCoverage) {
  add(10, 2);
  add(12, 2, guest_abi::kProtWrite);
  add(20, 2);
  EXPECT_EQ(areas_.find(9 * kPage), nullptr);
  EXPECT_EQ(areas_.find(12 * kPage - 1)->start, 10 * kPage);
  EXPECT_EQ(areas_.find(14 * kPage), nullptr);
  EXPECT_EQ(areas_.find_end_above(14 * kPage)->start, 20 * kPage);
  EXPECT_TRUE(areas_.is_covered(11 * kPage, 14 * kPage));
  EXPECT_FALSE(areas_.is_covered(11 * kPage, 15 * kPage));
  EXPECT_TRUE(areas_.is_free(14 * kPage, 20 * kPage));
  EXPECT_FALSE(areas_.is_free(14 * kPage, 21 * kPage));
}

TEST_F(VmaTest, GapsAreFoundFromBelow) {
  add(10, 2);
  add(14, 2);
  EXPECT_EQ(areas_.find_gap(2 * kPage, 10 * kPage, 100 * kPage), 12 * kPage);
  EXPECT_EQ(areas_.find_gap(3 * kPage, 10 * kPage, 100 * kPage), 16 * kPage);
  EXPECT_EQ(areas_.find_gap(3 * kPage, 5 * kPage, 100 * kPage), 5 * kPage);
  EXPECT_EQ(areas_.find_gap(3 * kPage, 10 * kPage, 18 * kPage), 0u);
  EXPECT_EQ(areas_.find_gap(200 * kPage, 10 * kPage, 100 * kPage), 0u);
}

TEST_F(VmaTest, AnAreaThatMovesNextToAnotherJoinsIt) {
  add(10, 4);
  add(20, 2);
  ASSERT_TRUE(areas_.split_at_ends(12 * kPage, 14 * kPage));
  areas_.relocate(*areas_.find(12 * kPage), 22 * kPage);
  EXPECT_TRUE(areas_.is_free(12 * kPage, 20 * kPage));
  ASSERT_NE(areas_.find(20 * kPage), nullptr);
  EXPECT_EQ(areas_.find(20 * kPage)->end, 24 * kPage);
  areas_.relocate(*areas_.find(20 * kPage), 2 * kPage);
  EXPECT_EQ(areas_.first()->start, 2 * kPage);
  EXPECT_EQ(areas_.first()->next->start, 10 * kPage);
  EXPECT_EQ(areas_.first()->next->next, nullptr);
}

TEST_F(VmaTest, PartsOfASharedAreaKeepTheirPlaceInTheObject) {
  Vma shared;
  shared.start = 10 * kPage;
  shared.end = 20 * kPage;
  shared.backing = Backing::kShared;
  shared.object = shared_object_create();
  ASSERT_NE(shared.object, nullptr);
  Page* page = shared_object_page(*shared.object, 7);
  ASSERT_NE(page, nullptr);
  SharedObject& object = *shared.object;
  ASSERT_NE(areas_.insert(shared), nullptr);
  ASSERT_TRUE(areas_.split_at_ends(15 * kPage, 20 * kPage));
  areas_.remove(*areas_.first());
  Vma* rest = areas_.find(17 * kPage);
  ASSERT_NE(rest, nullptr);
  EXPECT_EQ(rest->object_page_at(17 * kPage), 7u);
  EXPECT_EQ(shared_object_page(object, 7), page);
}

}  // namespace
}  // namespace kernel::test
