// Which refusals are kept, and what becomes of a storm.
#include "explain/refusal_log.h"

#include "explain_test.h"

namespace vmm {
namespace {

using namespace pvmmu;
using namespace pvmmu::testing;

class RefusalLogTest : public ExplainTest {
 protected:
  void refuse_pin(Mfn frame) {
    ASSERT_LT(ext(MMUEXT_PIN_L1_TABLE, frame), 0);
    log_.add(frames(), 0, refusal, [&] {
      ++asked_;
      return AskedFor{.frame = frame};
    });
  }

  std::vector<std::string> printed_;
  unsigned asked_ = 0;
  RefusalLog log_{{.of_each_kind = 2, .in_all = 5},
                  [this](std::string_view line) { printed_.emplace_back(line); }};
};

TEST_F(RefusalLogTest, AStormOfOneKindIsCounted) {
  for (uint64_t i = 0; i < 1000; ++i) refuse_pin(Mfn(40 + i % 8));
  EXPECT_EQ(asked_, 2u);
  ASSERT_EQ(printed_.size(), 2u);
  EXPECT_TRUE(contains(printed_[0], "refusal 1: frame 0x28 is a writable page"));
  EXPECT_TRUE(contains(printed_[1], "refusal 2: frame 0x29"));
  EXPECT_TRUE(contains(printed_[1], "(More of this kind are only counted.)"));
  const RefusalReport report = log_.report();
  ASSERT_EQ(report.records.size(), 2u);
  EXPECT_EQ(report.records[0].alike, 1000u);
  EXPECT_EQ(report.dropped, 998u);
  EXPECT_EQ(report.summary,
            "  998 of MMUEXT_PIN_L1_TABLE, rule I1, EINVAL: the frame has another type (a writable "
            "page)\n");
}

TEST_F(RefusalLogTest, AnotherKindOfFrameIsAnotherKind) {
  for (int i = 0; i < 3; ++i) refuse_pin(kData);
  refuse_pin(Mfn(254));  // an L3 table
  ASSERT_EQ(printed_.size(), 3u);
  EXPECT_TRUE(contains(printed_[2], "refusal 3: frame 0xfe is an L3 table"));
  EXPECT_EQ(log_.report().records[2].alike, 1u);
}

TEST_F(RefusalLogTest, NotMoreThanTheLimitInAll) {
  refuse_pin(kData);
  refuse_pin(kData);
  for (const Mfn frame : {root(), Mfn(254), Mfn(253), Mfn(1), Mfn(5000)}) refuse_pin(frame);
  EXPECT_EQ(printed_.size(), 5u);
  const RefusalReport report = log_.report();
  EXPECT_EQ(report.records.size(), 5u);
  EXPECT_EQ(report.dropped, 2u);
  EXPECT_TRUE(contains(report.summary, "(the hypervisor's)"));
}

TEST_F(RefusalLogTest, NothingRefusedNothingKept) {
  const RefusalReport report = log_.report();
  EXPECT_TRUE(report.records.empty());
  EXPECT_EQ(report.dropped, 0u);
  EXPECT_EQ(report.summary, "");
}

}  // namespace
}  // namespace vmm
