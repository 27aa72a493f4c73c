#include "stats/counters.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

#include "abi/xen.h"
#include "guest_abi/accounting.h"
#include "stats/phase_attribution.h"

namespace vmm {
namespace {

TEST(Counters, DifferenceAndSumReachEveryWord) {
  Counters earlier{};
  Counters later{};
  for (size_t i = 0; i < kCounterWords; ++i) {
    counter_words(earlier)[i] = i;
    counter_words(later)[i] = 3 * i;
  }
  Counters difference = later - earlier;
  for (size_t i = 0; i < kCounterWords; ++i) EXPECT_EQ(counter_words(difference)[i], 2 * i);
  difference += earlier;
  for (size_t i = 0; i < kCounterWords; ++i) EXPECT_EQ(counter_words(difference)[i], 3 * i);
}

TEST(Counters, HypercallNumbersOutOfRangeShareTheLastSlot) {
  Counters counters{};
  ++counters.hypercall(uint64_t{1} << 40);
  ++counters.hypercall(64);
  EXPECT_EQ(counters.hypercalls[63], 2u);
  EXPECT_STREQ(hypercall_name(63), "unknown_63");
}

TEST(Counters, NamesAreXens) {
  EXPECT_STREQ(hypercall_name(__HYPERVISOR_mmu_update), "mmu_update");
  EXPECT_STREQ(hypercall_name(__HYPERVISOR_update_va_mapping), "update_va_mapping");
  EXPECT_STREQ(hypercall_name(guest_abi::kHypercallPvmmuOp), "pvmmu_op");
  EXPECT_STREQ(hypercall_name(29), "sched_op");
  EXPECT_STREQ(hypercall_name(6), "sched_op_compat");
  EXPECT_STREQ(hypercall_name(32), "event_channel_op");
  EXPECT_STREQ(hypercall_name(11), "unknown_11");
}

TEST(Counters, TrapCausesHaveDistinctNames) {
  std::set<std::string> names;
  for (unsigned i = 0; i < kTrapCauseCount; ++i) {
    EXPECT_TRUE(names.insert(trap_cause_name(static_cast<TrapCause>(i))).second);
  }
}

TEST(Counters, VectorsBecomeCauses) {
  EXPECT_EQ(trap_cause_of_vector(0), TrapCause::kDivideError);
  EXPECT_EQ(trap_cause_of_vector(9), TrapCause::kOtherException);
  EXPECT_EQ(trap_cause_of_vector(13), TrapCause::kGeneralProtection);
  EXPECT_EQ(trap_cause_of_vector(14), TrapCause::kPageFault);
  EXPECT_EQ(trap_cause_of_vector(19), TrapCause::kSimdError);
  EXPECT_EQ(trap_cause_of_vector(31), TrapCause::kOtherException);
  EXPECT_EQ(trap_cause_of_vector(0x80), TrapCause::kSoftwareInterrupt);
}

TEST(Counters, PageTableTrapsAreTheFiveKinds) {
  Counters counters{};
  counters.trap(TrapCause::kEmulatedWrite) = 1;
  counters.hypercall(__HYPERVISOR_mmu_update) = 10;
  counters.hypercall(__HYPERVISOR_mmuext_op) = 100;
  counters.hypercall(__HYPERVISOR_update_va_mapping) = 1000;
  counters.hypercall(__HYPERVISOR_multicall) = 10000;
  counters.hypercall(__HYPERVISOR_sched_op) = 100000;
  EXPECT_EQ(page_table_traps(counters), 11111u);
}

TEST(PhaseAttribution, GivesEachDifferenceToItsBucket) {
  PhaseAttribution attribution;
  Counters counters{};
  counters.upcalls = 3;
  attribution.attribute(counters, 2, 5);
  counters.upcalls = 10;
  counters.mmu.pins = 1;
  attribution.attribute(counters, 3, 5);
  attribution.attribute(counters, 4, 5);  // nothing new but the time

  EXPECT_EQ(attribution.find(2, 5)->counters.upcalls, 3u);
  EXPECT_EQ(attribution.find(3, 5)->counters.upcalls, 7u);
  EXPECT_EQ(attribution.find(3, 5)->counters.mmu.pins, 1u);
  EXPECT_EQ(attribution.find(4, 5)->counters.upcalls, 0u);
  EXPECT_EQ(attribution.find(5, 5), nullptr);
  EXPECT_EQ(attribution.phase_total(2).counters.upcalls, 3u);
  EXPECT_EQ(attribution.operation_total(5).counters.upcalls, 10u);
}

TEST(PhaseAttribution, WhatIsEnteredGetsAllUntilSomethingElseIs) {
  PhaseAttribution attribution;
  Counters counters{};
  counters.upcalls = 1;
  attribution.enter(counters, 2, 5);  // before it, nothing was entered: boot
  counters.upcalls = 3;
  attribution.enter(counters, 2, 5);
  counters.upcalls = 7;
  attribution.enter(counters, 2, 6);
  counters.upcalls = 15;
  attribution.leave(counters);

  EXPECT_EQ(attribution.find(guest_abi::kPhaseBoot, 0)->counters.upcalls, 1u);
  EXPECT_EQ(attribution.find(2, 5)->counters.upcalls, 6u);
  EXPECT_EQ(attribution.find(2, 6)->counters.upcalls, 8u);
}

TEST(PhaseAttribution, GivesTheTimeSinceTheLastTrap) {
  PhaseAttribution attribution;
  const Counters counters{};
  attribution.attribute(counters, 2, 5);
  const auto before = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - before < std::chrono::milliseconds(2)) continue;
  attribution.attribute(counters, 3, 5);
  EXPECT_GE(attribution.phase_total(3).time, std::chrono::milliseconds(2));
  EXPECT_EQ(attribution.operation_total(5).time,
            attribution.phase_total(2).time + attribution.phase_total(3).time);
}

TEST(PhaseAttribution, ValuesOutOfRangeCountAsZero) {
  PhaseAttribution attribution;
  Counters counters{};
  counters.upcalls = 1;
  attribution.attribute(counters, 0xffffffff, 0xffffffff);
  attribution.record_multicall(4, guest_abi::kMaxPhases, guest_abi::kOperationCount);
  ASSERT_NE(attribution.find(0, 0), nullptr);
  EXPECT_EQ(attribution.find(0, 0)->counters.upcalls, 1u);
  EXPECT_EQ(attribution.find(0, 0)->multicall_sizes.count(4), 1u);
}

TEST(MulticallSizes, LargeOnesShareABin) {
  MulticallSizes sizes;
  EXPECT_EQ(sizes.count(1), 0u);
  sizes.record(1);
  sizes.record(MulticallSizes::kLargestExact);
  sizes.record(MulticallSizes::kLargestExact + 1);
  sizes.record(~uint64_t{0});
  MulticallSizes sum;
  sum += sizes;
  sum += sizes;
  EXPECT_EQ(sum.count(1), 2u);
  EXPECT_EQ(sum.count(MulticallSizes::kLargestExact), 2u);
  EXPECT_EQ(sum.count(MulticallSizes::kLargestExact + 1), 4u);
}

}  // namespace
}  // namespace vmm
