// Paravirtual time.
#include "fake_services.h"
#include "hypercalls/tsc_scale.h"

namespace vmm {
namespace {

TEST(TscScale, SecondsAreSecondsAtAnyFrequency) {
  for (const uint64_t hz :
       {uint64_t{1'000'000}, uint64_t{999'999'999}, uint64_t{1'000'000'000},
        uint64_t{1'000'000'001}, uint64_t{2'000'000'000}, uint64_t{2'500'000'000},
        uint64_t{3'999'999'999}, uint64_t{6'000'000'000}}) {
    const TscScale scale = tsc_scale_from_hz(hz);
    const double seconds = static_cast<double>(scaled_ticks(hz * 100, scale)) / 1e9;
    EXPECT_NEAR(seconds, 100.0, 1e-6) << hz;
    EXPECT_GE(scale.multiplier, 0x7fffffffu) << hz;
  }
}

using PvClockTest = HypercallTest;

TEST_F(PvClockTest, RecordOfEachVcpu) {
  for (unsigned vcpu = 0; vcpu < 2; ++vcpu) {
    const vcpu_time_info_t& time = info(vcpu).time;
    EXPECT_EQ(time.version % 2, 0u);
    EXPECT_NE(time.version, 0u);
    EXPECT_EQ(time.system_time, 1'000u);
    EXPECT_EQ(time.tsc_timestamp, 10'000u + vcpu);
  }
  const uint32_t before = info(1).time.version;
  clock.time = 3'000;
  hypercalls.clock().update(kVcpu1);
  EXPECT_EQ(info(1).time.version, before + 2);
  EXPECT_EQ(info(1).time.system_time, 3'000u);
  EXPECT_EQ(info(0).time.system_time, 1'000u);
}

// The guest owns the page: whatever version it writes, the record ends with an even one.
TEST_F(PvClockTest, VersionStaysEven) {
  for (const uint32_t version : {0u, 1u, 0xfffffffeu, 0xffffffffu}) {
    info(0).time.version = version;
    hypercalls.clock().update(kVcpu0);
    EXPECT_EQ(info(0).time.version % 2, 0u);
  }
}

TEST_F(PvClockTest, WallClock) {
  EXPECT_EQ(shared.wc_sec, 0x23456789u);
  EXPECT_EQ(shared.wc_sec_hi, 1u);
  EXPECT_EQ(shared.wc_nsec, 42u);
  EXPECT_EQ(shared.wc_version % 2, 0u);
}

}  // namespace
}  // namespace vmm
