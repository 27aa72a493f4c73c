// The queue's arithmetic: which calls share a hypercall, in which order they leave, and the golden
// numbers of the classical limits.
#include "multicall/queue.h"

#include <gtest/gtest.h>

#include "fake_sink.h"

namespace multicall {
namespace {

// So many set_pte in one lazy section.
unsigned hypercalls_for_updates(unsigned count, Limits limits) {
  FakeSink sink;
  Queue<FakeSink> queue(sink, limits);
  for (unsigned i = 0; i < count; ++i) {
    queue.batch();
    queue.queue_mmu_update(0x1000 + 8 * i, i);
    queue.issue(Issue::kLater);
  }
  queue.flush(FlushReason::kLeave);
  EXPECT_EQ(sink.updates.size(), count);
  for (unsigned i = 0; i < count; ++i) {
    EXPECT_EQ(sink.updates[i], std::make_pair(uint64_t{0x1000 + 8 * i}, uint64_t{i}));
  }
  EXPECT_TRUE(queue.empty());
  return sink.hypercalls;
}

TEST(QueueGoldenNumbers, StreamOfUpdatesFlushesEvery31) {
  EXPECT_EQ(hypercalls_for_updates(1, kClassicalLimits), 1u);
  EXPECT_EQ(hypercalls_for_updates(31, kClassicalLimits), 1u);
  EXPECT_EQ(hypercalls_for_updates(32, kClassicalLimits), 2u);
  EXPECT_EQ(hypercalls_for_updates(496, kClassicalLimits), 16u);
  EXPECT_EQ(hypercalls_for_updates(497, kClassicalLimits), 17u);
  EXPECT_EQ(hypercalls_for_updates(512, kClassicalLimits), 17u);
  EXPECT_EQ(hypercalls_for_updates(528, kClassicalLimits), 18u);
}

TEST(QueueGoldenNumbers, UnbatchedIsOneHypercallAnUpdate) {
  EXPECT_EQ(hypercalls_for_updates(512, kUnbatchedLimits), 512u);
  EXPECT_EQ(hypercalls_for_updates(3, limits_for_entries(1)), 3u);
}

TEST(QueueGoldenNumbers, OtherLimits) {
  EXPECT_EQ(hypercalls_for_updates(512, limits_for_entries(2)), 512u);  // 1 a batch: 32 bytes
  EXPECT_EQ(hypercalls_for_updates(512, limits_for_entries(64)), 9u);   // 63 a batch
  EXPECT_EQ(hypercalls_for_updates(512, limits_for_entries(256)), 3u);  // 255 a batch
  EXPECT_EQ(hypercalls_for_updates(512, (Limits{32, 4096})), 3u);
  EXPECT_EQ(hypercalls_for_updates(512, (Limits{2, 513})), 16u);    // 32 a batch
  EXPECT_EQ(hypercalls_for_updates(512, (Limits{256, 64})), 171u);  // 3 a batch
}

struct PinRun {
  unsigned hypercalls = 0;
  unsigned slot_flushes = 0;
  unsigned max_locks = 0;
  unsigned locks_left = 0;
  unsigned pins = 0;
};

// What pinning an address space queues: for each pte page a read-only remap, a pin and an unlock;
// then the root.
PinRun pin_address_space(unsigned pages, Limits limits) {
  FakeSink sink;
  Queue<FakeSink> queue(sink, limits);
  PinRun run;
  const auto unlock = [](void* locks) { --*static_cast<unsigned*>(locks); };
  for (unsigned i = 0; i < pages; ++i) {
    queue.batch();
    queue.room(2, sizeof(mmuext_op_t), 1);
    run.max_locks = std::max(run.max_locks, ++run.locks_left);
    queue.queue_va_mapping(0xffff880000000000 + 4096 * i, 0x5, 0);
    mmuext_op_t pin{};
    pin.cmd = MMUEXT_PIN_L1_TABLE;
    pin.arg1.mfn = i;
    queue.queue_mmuext(pin);
    queue.callback(unlock, &run.locks_left);
    queue.issue(Issue::kLater);
  }
  queue.batch();
  queue.queue_va_mapping(0xffff880000000000 + 4096 * pages, 0x5, 0);
  mmuext_op_t pin{};
  pin.cmd = MMUEXT_PIN_L4_TABLE;
  queue.queue_mmuext(pin);
  queue.issue(Issue::kNow);
  run.hypercalls = sink.hypercalls;
  run.slot_flushes = sink.flushes[FlushReason::kSlots];
  run.pins = static_cast<unsigned>(sink.operations.size());
  return run;
}

TEST(QueueGoldenNumbers, Pin512) {
  const PinRun run = pin_address_space(512, kClassicalLimits);
  EXPECT_EQ(run.hypercalls, 33u);
  EXPECT_EQ(run.slot_flushes, 32u);
  EXPECT_EQ(run.max_locks, 16u);
  EXPECT_EQ(run.locks_left, 0u);
  EXPECT_EQ(run.pins, 513u);
}

TEST(QueueGoldenNumbers, PinWithOtherLimits) {
  EXPECT_EQ(pin_address_space(512, kUnbatchedLimits).hypercalls, 1026u);
  EXPECT_EQ(pin_address_space(512, kUnbatchedLimits).max_locks, 1u);
  EXPECT_EQ(pin_address_space(512, limits_for_entries(256)).hypercalls, 5u);
  EXPECT_EQ(pin_address_space(512, limits_for_entries(256)).max_locks, 128u);
  // Room is made in time also where a page's two entries do not divide the limit.
  EXPECT_EQ(pin_address_space(512, limits_for_entries(33)).max_locks, 16u);
  EXPECT_EQ(pin_address_space(16, limits_for_entries(33)).locks_left, 0u);
  // 100 bytes hold four operations of 24 bytes.
  EXPECT_EQ(pin_address_space(512, (Limits{32, 100})).max_locks, 4u);
}

TEST(Queue, OneEntryIsIssuedAsThatCall) {
  FakeSink sink;
  Queue<FakeSink> queue(sink);
  queue.batch();
  queue.queue_mmu_update(1, 2);
  queue.queue_mmu_update(3, 4);
  EXPECT_EQ(sink.hypercalls, 0u);
  queue.issue(Issue::kNow);
  EXPECT_TRUE(sink.multicall_sizes.empty());
  ASSERT_EQ(sink.calls.size(), 1u);
  EXPECT_EQ(sink.calls[0].op, unsigned{__HYPERVISOR_mmu_update});
  EXPECT_EQ(sink.calls[0].args[1], 2u);
  EXPECT_EQ(sink.calls[0].args[2], 0u);
  EXPECT_EQ(sink.calls[0].args[3], uint64_t{DOMID_SELF});
}

TEST(Queue, OnlyTheLastEntryIsExtended) {
  FakeSink sink;
  Queue<FakeSink> queue(sink);
  queue.batch();
  queue.queue_mmu_update(1, 1);
  queue.queue_va_mapping(0x1000, 7, UVMF_INVLPG);
  queue.queue_mmu_update(2, 2);
  queue.queue_call(__HYPERVISOR_stack_switch, 0x18, 0x2000);
  queue.queue_mmu_update(3, 3);
  queue.queue_mmu_update(4, 4);
  queue.issue(Issue::kNow);
  ASSERT_EQ(sink.multicall_sizes, std::vector<unsigned>{5});
  const unsigned ops[] = {__HYPERVISOR_mmu_update, __HYPERVISOR_update_va_mapping,
                          __HYPERVISOR_mmu_update, __HYPERVISOR_stack_switch,
                          __HYPERVISOR_mmu_update};
  for (unsigned i = 0; i < 5; ++i) {
    EXPECT_EQ(sink.calls[i].op, ops[i]);
  }
  EXPECT_EQ(sink.calls[1].args, (std::vector<uint64_t>{0x1000, 7, UVMF_INVLPG, 0, 0, 0}));
  EXPECT_EQ(sink.calls[3].args, (std::vector<uint64_t>{0x18, 0x2000, 0, 0, 0, 0}));
  EXPECT_EQ(sink.calls[4].args[1], 2u);
  EXPECT_EQ(sink.flushes[FlushReason::kExplicit], 1u);
}

TEST(Queue, FlushReasonsAreTold) {
  FakeSink sink;
  Queue<FakeSink> queue(sink, {4, 64});
  queue.batch();
  for (unsigned i = 0; i < 5; ++i) {
    queue.queue_va_mapping(i, 0, 0);
  }
  EXPECT_EQ(sink.flushes[FlushReason::kSlots], 1u);
  for (unsigned i = 0; i < 4; ++i) {
    queue.queue_mmu_update(i, 0);
  }
  EXPECT_EQ(sink.flushes[FlushReason::kArguments], 1u);
  queue.issue(Issue::kLater);
  queue.flush(FlushReason::kLeave);
  EXPECT_EQ(sink.flushes[FlushReason::kLeave], 1u);
  queue.flush(FlushReason::kLeave);  // nothing queued: not a flush
  EXPECT_EQ(sink.flushes[FlushReason::kLeave], 1u);
}

TEST(Queue, RoomFlushesBeforeAndNotWithin) {
  FakeSink sink;
  Queue<FakeSink> queue(sink, {8, 128});
  queue.batch();
  for (unsigned i = 0; i < 7; ++i) {
    queue.queue_va_mapping(i, 0, 0);
  }
  queue.room(1, 0, 0);
  EXPECT_EQ(sink.hypercalls, 0u);
  queue.room(2, 0, 0);
  EXPECT_EQ(sink.hypercalls, 1u);
  queue.queue_mmu_update(0, 0);
  queue.room(1, 104, 0);
  EXPECT_EQ(sink.hypercalls, 1u);
  queue.room(1, 112, 0);  // 16 + 112 reaches the limit
  EXPECT_EQ(sink.hypercalls, 2u);
  queue.room(100, 4096, 100);  // more than there can be: an empty queue is all there is
  EXPECT_EQ(sink.hypercalls, 2u);
  queue.issue(Issue::kNow);
}

TEST(Queue, EventsAreMaskedWhileOpenAndDuringAFlush) {
  FakeSink sink;
  Queue<FakeSink> queue(sink);
  queue.batch();
  queue.batch();
  queue.queue_mmu_update(0, 0);
  queue.issue(Issue::kNow);  // an inner section does not decide
  EXPECT_GT(sink.masked, 0u);
  EXPECT_EQ(sink.hypercalls, 0u);
  queue.issue(Issue::kNow);
  EXPECT_EQ(sink.masked, 0u);
  EXPECT_EQ(sink.hypercalls, 1u);
}

TEST(Queue, LimitsChangeOnlyWhenEmptyAndValid) {
  FakeSink sink;
  Queue<FakeSink> queue(sink);
  EXPECT_FALSE(queue.set_limits({0, 512}));
  EXPECT_FALSE(queue.set_limits({kMaxEntries + 1, 512}));
  EXPECT_FALSE(queue.set_limits({32, kMaxArgumentBytes + 1}));
  EXPECT_FALSE(queue.set_limits({32, 24}));
  queue.batch();
  queue.queue_mmu_update(0, 0);
  EXPECT_FALSE(queue.set_limits({16, 256}));
  queue.issue(Issue::kNow);
  EXPECT_TRUE(queue.set_limits({16, 256}));
  EXPECT_EQ(queue.limits().entries, 16u);
}

TEST(Queue, AFailedEntryIsReportedWithItsArguments) {
  FakeSink sink;
  sink.result_of_op[__HYPERVISOR_update_va_mapping] = -22;
  Queue<FakeSink> queue(sink);
  queue.batch();
  queue.queue_mmu_update(1, 1);
  queue.queue_va_mapping(0x5000, 9, 1);
  queue.queue_call(__HYPERVISOR_stack_switch, 1, 2);
  queue.issue(Issue::kNow);
  ASSERT_EQ(sink.failures.size(), 1u);
  const FailedEntry& failed = sink.failures[0];
  EXPECT_EQ(failed.op, unsigned{__HYPERVISOR_update_va_mapping});
  EXPECT_EQ(failed.result, -22);
  EXPECT_EQ(failed.args[0], 0x5000u);
  EXPECT_EQ(failed.args[1], 9u);
  EXPECT_EQ(failed.index, 1u);
  EXPECT_EQ(failed.batch_size, 3u);
  EXPECT_NE(failed.call_site, 0u);
  EXPECT_EQ(sink.calls.size(), 3u);  // the others were made
}

TEST(Queue, ASingleCallThatFailsIsReportedToo) {
  FakeSink sink;
  sink.result_of_op[__HYPERVISOR_mmu_update] = -1;
  Queue<FakeSink> queue(sink);
  queue.batch();
  queue.queue_mmu_update(1, 1);
  queue.issue(Issue::kNow);
  ASSERT_EQ(sink.failures.size(), 1u);
  EXPECT_EQ(sink.failures[0].result, -1);
  EXPECT_EQ(sink.failures[0].batch_size, 1u);
}

TEST(Queue, AMulticallThatFailsAsAWholeIsReported) {
  FakeSink sink;
  sink.multicall_result = -14;
  Queue<FakeSink> queue(sink);
  queue.batch();
  queue.queue_va_mapping(1, 1, 1);
  queue.queue_va_mapping(2, 2, 2);
  queue.issue(Issue::kNow);
  ASSERT_EQ(sink.failures.size(), 1u);
  EXPECT_EQ(sink.failures[0].op, unsigned{__HYPERVISOR_multicall});
  EXPECT_EQ(sink.failures[0].result, -14);
}

}  // namespace
}  // namespace multicall
