// The hypervisor's end: order, results, nesting, bad lists, leaving kernel mode, preemption.
#include "multicall/dispatcher.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <vector>

namespace multicall {
namespace {

using pvmmu::LinearAddr;

constexpr uint64_t kBase = 0x10000;
constexpr uint64_t kEntry = sizeof(multicall_entry_t);

// A few entries of guest memory; the rest of the address space faults.
class FakeGuest {
 public:
  explicit FakeGuest(size_t entries) : entries_(entries) {}
  bool copy_from_guest(void* to, LinearAddr from, size_t size) {
    const unsigned char* place = find(from, size);
    return place != nullptr && std::memcpy(to, place, size) != nullptr;
  }
  bool copy_to_guest(LinearAddr to, const void* from, size_t size) {
    unsigned char* place = find(to, size);
    return writable && place != nullptr && std::memcpy(place, from, size) != nullptr;
  }
  multicall_entry_t& operator[](size_t i) { return entries_[i]; }
  int64_t result(size_t i) const { return static_cast<int64_t>(entries_[i].result); }
  LinearAddr list(size_t i = 0) const { return LinearAddr(kBase + i * kEntry); }
  bool writable = true;

 private:
  unsigned char* find(LinearAddr address, size_t size) {
    const uint64_t offset = address.raw() - kBase;
    const uint64_t limit = entries_.size() * kEntry;
    return address.raw() < kBase || offset > limit || size > limit - offset
               ? nullptr
               : reinterpret_cast<unsigned char*>(entries_.data()) + offset;
  }
  std::vector<multicall_entry_t> entries_;
};

class FakeCalls {
 public:
  int64_t hypercall(uint64_t op, uint64_t (&args)[6]) {
    made.push_back(op);
    return on_call ? on_call(op, args) : 0;
  }
  bool call_preempted() { return std::exchange(cut, false); }
  bool still_in_kernel_mode() const { return kernel_mode; }
  bool preempt_requested() const { return preempt; }

  std::vector<uint64_t> made;
  std::function<int64_t(uint64_t, uint64_t (&)[6])> on_call;
  bool kernel_mode = true;
  bool preempt = false;
  bool cut = false;
};

static_assert(GuestAccess<FakeGuest> && Hypercalls<FakeCalls>);

TEST(Dispatcher, CallsInOrderAndWritesEachResult) {
  FakeGuest guest(3);
  FakeCalls calls;
  for (unsigned i = 0; i < 3; ++i) {
    guest[i].op = 10 + i;
    guest[i].args[5] = i;
  }
  calls.on_call = [](uint64_t op, uint64_t(&args)[6]) {
    return op == 11 ? int64_t{-38} : static_cast<int64_t>(100 + args[5]);
  };
  Dispatcher dispatcher;
  const Outcome outcome = dispatcher.dispatch(guest, calls, guest.list(), 3);
  EXPECT_EQ(outcome.result, 0);
  EXPECT_FALSE(outcome.preempted);
  EXPECT_EQ(calls.made, (std::vector<uint64_t>{10, 11, 12}));
  EXPECT_EQ(guest.result(0), 100);
  EXPECT_EQ(guest.result(1), -38);  // does not stop the list
  EXPECT_EQ(guest.result(2), 102);
}

TEST(Dispatcher, AnEmptyListIsFine) {
  FakeGuest guest(1);
  FakeCalls calls;
  EXPECT_EQ(Dispatcher().dispatch(guest, calls, guest.list(), 0).result, 0);
  EXPECT_TRUE(calls.made.empty());
}

TEST(Dispatcher, RefusesNestingAndGoesOn) {
  FakeGuest guest(2);
  FakeCalls calls;
  guest[0].op = __HYPERVISOR_multicall;
  Dispatcher dispatcher;
  calls.on_call = [&](uint64_t op, uint64_t(&)[6]) {
    return op == __HYPERVISOR_multicall ? dispatcher.dispatch(guest, calls, guest.list(), 2).result
                                        : int64_t{7};
  };
  guest[1].op = 1;
  EXPECT_EQ(dispatcher.dispatch(guest, calls, guest.list(), 2).result, 0);
  EXPECT_EQ(guest.result(0), kInvalid);
  EXPECT_EQ(guest.result(1), 7);
  EXPECT_FALSE(dispatcher.active());
}

TEST(Dispatcher, AListThatFaultsStopsAfterWhatWasReadable) {
  FakeGuest guest(2);
  FakeCalls calls;
  EXPECT_EQ(Dispatcher().dispatch(guest, calls, guest.list(), 5).result, kFault);
  EXPECT_EQ(calls.made.size(), 2u);
  EXPECT_EQ(Dispatcher().dispatch(guest, calls, LinearAddr(0), 1).result, kFault);
  EXPECT_EQ(calls.made.size(), 2u);
}

TEST(Dispatcher, AResultThatCannotBeWrittenStopsTheList) {
  FakeGuest guest(2);
  guest.writable = false;
  FakeCalls calls;
  EXPECT_EQ(Dispatcher().dispatch(guest, calls, guest.list(), 2).result, kFault);
  EXPECT_EQ(calls.made.size(), 1u);
}

TEST(Dispatcher, HugeCountsAndWrappingLists) {
  FakeGuest guest(1);
  FakeCalls calls;
  EXPECT_EQ(Dispatcher().dispatch(guest, calls, guest.list(), UINT32_MAX).result, kFault);
  EXPECT_EQ(calls.made.size(), 1u);  // what there was
  const LinearAddr top(0xfffffffffffff000);
  EXPECT_EQ(Dispatcher().dispatch(guest, calls, top, UINT32_MAX).result, kFault);
  const LinearAddr below_hole(0x00007ffffffff000);
  EXPECT_EQ(Dispatcher().dispatch(guest, calls, below_hole, 1000).result, kFault);
  EXPECT_EQ(Dispatcher().dispatch(guest, calls, LinearAddr(uint64_t{1} << 50), 1).result, kFault);
  EXPECT_EQ(calls.made.size(), 1u);
}

TEST(Dispatcher, StopsWhenTheGuestLeavesKernelMode) {
  FakeGuest guest(3);
  FakeCalls calls;
  guest[1].op = __HYPERVISOR_iret;
  calls.on_call = [&](uint64_t op, uint64_t(&)[6]) {
    calls.kernel_mode = op != __HYPERVISOR_iret;
    return int64_t{55};
  };
  const Outcome outcome = Dispatcher().dispatch(guest, calls, guest.list(), 3);
  EXPECT_EQ(calls.made.size(), 2u);
  EXPECT_EQ(outcome.result, 55);  // the new context's rax
  EXPECT_FALSE(outcome.preempted);
  EXPECT_EQ(guest.result(1), 55);
}

TEST(Dispatcher, PreemptionBetweenEntriesAlwaysMakesProgress) {
  FakeGuest guest(4);
  FakeCalls calls;
  calls.preempt = true;
  Dispatcher dispatcher;
  Outcome outcome{.preempted = true, .next = guest.list(), .remaining = 4};
  unsigned rounds = 0;
  while (outcome.preempted) {
    outcome = dispatcher.dispatch(guest, calls, outcome.next, outcome.remaining);
    ++rounds;
  }
  EXPECT_EQ(rounds, 4u);
  EXPECT_EQ(calls.made.size(), 4u);
  EXPECT_EQ(outcome.result, 0);
}

TEST(Dispatcher, ACallCutShortIsContinuedWithItsNewArguments) {
  FakeGuest guest(2);
  FakeCalls calls;
  guest[0].op = 1;
  guest[0].args[0] = 3;
  guest[1].op = 2;
  uint64_t done = 0;
  calls.on_call = [&](uint64_t op, uint64_t(&args)[6]) {
    if (op == 1 && args[0] != 0) {
      ++done;
      calls.cut = --args[0] != 0;
    }
    return int64_t{0};
  };
  Dispatcher dispatcher;
  Outcome outcome = dispatcher.dispatch(guest, calls, guest.list(), 2);
  EXPECT_TRUE(outcome.preempted);
  EXPECT_EQ(outcome.next, guest.list());
  EXPECT_EQ(outcome.remaining, 2u);
  EXPECT_EQ(guest[0].args[0], 2u);
  while (outcome.preempted) {
    outcome = dispatcher.dispatch(guest, calls, outcome.next, outcome.remaining);
  }
  EXPECT_EQ(done, 3u);
  EXPECT_EQ(calls.made, (std::vector<uint64_t>{1, 1, 1, 2}));
}

}  // namespace
}  // namespace multicall
