#include <gtest/gtest.h>

#include <string>

#include "base/errno.h"
#include "base/linear_addr.h"
#include "pvmmu/counters.h"
#include "pvmmu/page_type.h"
#include "pvmmu/refusal.h"

namespace pvmmu {
namespace {

TEST(Errno, ReturnValuesAreNegativeAndNamed) {
  EXPECT_EQ(return_value(Errno::kOk), 0);
  EXPECT_EQ(return_value(Errno::kEINVAL), -22);
  EXPECT_EQ(return_value(Errno::kEOPNOTSUPP), -95);
  EXPECT_EQ(std::string(errno_name(Errno::kEBUSY)), "EBUSY");
  EXPECT_EQ(std::string(errno_name(static_cast<Errno>(200))), "unknown error");
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> value(7);
  const Result<int> error(Errno::kENOMEM);
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(value.value(), 7);
  EXPECT_FALSE(error.ok());
  EXPECT_EQ(error.error(), Errno::kENOMEM);
}

TEST(LinearAddr, CanonicalEdges) {
  EXPECT_TRUE(LinearAddr(0x00007fff'ffffffff).canonical());
  EXPECT_FALSE(LinearAddr(0x00008000'00000000).canonical());
  EXPECT_FALSE(LinearAddr(0xffff7fff'ffffffff).canonical());
  EXPECT_TRUE(LinearAddr(0xffff8000'00000000).canonical());
  EXPECT_EQ(LinearAddr(0xffff8000'00000000).index(PtLevel::kL4), 256u);
}

TEST(PageType, NamesAndLevelsAgree) {
  for (unsigned n = 1; n <= 4; ++n) {
    const auto level = static_cast<PtLevel>(n);
    EXPECT_TRUE(is_table(table_type(level)));
    EXPECT_EQ(table_level(table_type(level)), level);
    EXPECT_EQ(std::string(page_type_name(table_type(level))), "L" + std::to_string(n) + " table");
  }
  EXPECT_FALSE(is_table(PageType::kNone));
  EXPECT_FALSE(is_table(PageType::kWritable));
  EXPECT_FALSE(is_table(PageType::kSegDesc));
}

TEST(Rules, EveryRuleHasATagAndAText) {
  EXPECT_EQ(std::string(kRuleTags[static_cast<unsigned>(Rule::kNoWritableTable)]), "I3");
  for (unsigned i = 0; i < kRuleCount; ++i) EXPECT_GT(std::string(kRuleTexts[i]).size(), 10u);
}

}  // namespace
}  // namespace pvmmu
