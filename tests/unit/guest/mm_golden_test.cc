// How many hypercalls the mm's work costs: exact numbers, and their order by mode.
#include <gtest/gtest.h>

#include "guest_abi/syscall.h"
#include "mm_fake_machine.h"

namespace kernel::test {
namespace {

constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kReadWrite = guest_abi::kProtRead | guest_abi::kProtWrite;
constexpr uint32_t kLabel = guest_abi::kFirstLabelPhase;

FakeMachine& start(Mode mode, multicall::Limits batch = multicall::kClassicalLimits,
                   bool split_ptl = true) {
  Options options;
  options.mode = mode;
  options.batch = batch;
  options.split_ptl = split_ptl;
  FakeMachine& machine = FakeMachine::instance();
  machine.start(options);
  return machine;
}

// An active address space with room for 512 ptes of one table.
class Process {
 public:
  Process() : mm_(mm_create()) { mm_activate(*mm_, 0); }
  ~Process() {
    mm_deactivate(0);
    mm_put(*mm_);
  }
  Mm& mm() { return *mm_; }
  uint64_t map_table(uint64_t pages = 512) {
    const uint64_t at = guest_abi::kArenaBase;
    EXPECT_EQ(sys_mmap(*mm_, at, pages * kPage, kReadWrite, guest_abi::kMapFixed),
              static_cast<int64_t>(at));
    return at;
  }

 private:
  Mm* mm_;
};

uint64_t populate_hypercalls(multicall::Limits batch, uint64_t pages) {
  FakeMachine& machine = start(Mode::kBatched, batch);
  Process process;
  const uint64_t at = process.map_table(pages);
  EXPECT_EQ(sys_populate(process.mm(), at, pages * kPage, kLabel), 0);
  EXPECT_EQ(machine.phase(), guest_abi::kPhaseMain);
  EXPECT_EQ(machine.phase_counters(kLabel).pte_updates, pages);
  EXPECT_EQ(machine.calls().emulated_stores, 0u);
  return machine.hypercalls_in_phase(kLabel);
}

TEST(GoldenNumbers, Populate) {
  EXPECT_EQ(populate_hypercalls(multicall::kClassicalLimits, 512), 17u);
  EXPECT_EQ(populate_hypercalls(multicall::kClassicalLimits, 496), 16u);
  EXPECT_EQ(populate_hypercalls(multicall::kClassicalLimits, 497), 17u);
  EXPECT_EQ(populate_hypercalls(multicall::kUnbatchedLimits, 512), 512u);
}

TEST(GoldenNumbers, PinAndUnpin) {
  FakeMachine& machine = start(Mode::kBatched);
  ASSERT_EQ(sys_pin_test(512, kLabel, kLabel + 1), 0);
  EXPECT_EQ(machine.hypercalls_in_phase(kLabel), 33u);
  EXPECT_EQ(machine.hypercalls_in_phase(kLabel + 1), 33u);
  EXPECT_EQ(machine.hypercalls_in_phase(guest_abi::kPhaseMain), 0u);
  EXPECT_EQ(machine.counters().max_locks_held, 16u);
  EXPECT_EQ(machine.phase_counters(kLabel).callbacks, 512u);
  EXPECT_EQ(machine.calls().pins, 514u);
  EXPECT_EQ(machine.calls().unpins, 514u);
}

TEST(GoldenNumbers, PinWithoutSplitLocksPinsOnlyTheRoots) {
  FakeMachine& machine = start(Mode::kBatched, multicall::kClassicalLimits, false);
  ASSERT_EQ(sys_pin_test(512, kLabel, kLabel + 1), 0);
  EXPECT_EQ(machine.hypercalls_in_phase(kLabel), 17u);
  EXPECT_EQ(machine.calls().pins, 2u);
  EXPECT_EQ(machine.counters().max_locks_held, 0u);
}

// Traps of an mprotect of a whole populated table.
uint64_t mprotect_traps(Mode mode) {
  FakeMachine& machine = start(mode);
  Process process;
  const uint64_t at = process.map_table();
  EXPECT_EQ(sys_populate(process.mm(), at, 512 * kPage, 0), 0);
  machine.calls() = {};
  EXPECT_EQ(sys_mprotect(process.mm(), at, 512 * kPage, guest_abi::kProtRead), 0);
  return machine.calls().hypercalls + machine.calls().emulated_stores;
}

TEST(GoldenNumbers, MprotectOfAFullTable) {
  EXPECT_EQ(mprotect_traps(Mode::kEmulate), 1025u);
  EXPECT_EQ(mprotect_traps(Mode::kSingle), 1025u);
  EXPECT_EQ(mprotect_traps(Mode::kLazy), 512u + 17);
  EXPECT_EQ(mprotect_traps(Mode::kBatched), 17u);  // the flush rides in the last
}

// Traps of a fork, and of the child's end, of a process with a full table.
uint64_t fork_traps(Mode mode) {
  FakeMachine& machine = start(mode);
  Process process;
  const uint64_t at = process.map_table();
  EXPECT_EQ(sys_populate(process.mm(), at, 512 * kPage, 0), 0);
  machine.calls() = {};
  Mm* child = mm_fork(process.mm());
  EXPECT_NE(child, nullptr);
  mm_put(*child);
  return machine.calls().hypercalls + machine.calls().emulated_stores;
}

TEST(GoldenNumbers, ForkWriteProtectsInBatches) {
  EXPECT_LE(fork_traps(Mode::kBatched), 17u + 2);
  EXPECT_LT(fork_traps(Mode::kBatched), fork_traps(Mode::kLazy));
  EXPECT_LT(fork_traps(Mode::kLazy), fork_traps(Mode::kSingle));
  EXPECT_LE(fork_traps(Mode::kSingle), fork_traps(Mode::kEmulate));
}

// Traps of work on a whole populated table, in each mode.
template <typename Work>
uint64_t traps_of(Mode mode, Work work) {
  FakeMachine& machine = start(mode);
  Process process;
  const uint64_t at = process.map_table();
  EXPECT_EQ(sys_populate(process.mm(), at, 512 * kPage, 0), 0);
  machine.calls() = {};
  work(process.mm(), at);
  return machine.calls().hypercalls + machine.calls().emulated_stores;
}

constexpr uint64_t kTableBytes = 512 * kPage;
constexpr uint64_t kElsewhere = guest_abi::kArenaBase + 8 * kTableBytes;

uint64_t mremap_traps(Mode mode) {
  return traps_of(mode, [](Mm& mm, uint64_t at) {
    // From one table into two.
    EXPECT_EQ(sys_mremap(mm, at, kTableBytes, kElsewhere + kPage),
              static_cast<int64_t>(kElsewhere + kPage));
  });
}

TEST(GoldenNumbers, MremapOfAFullTable) {
  // Two updates an entry, the flush, three requests for each new table, four for the old one.
  EXPECT_EQ(mremap_traps(Mode::kEmulate), 1024u + 1 + 6 + 4);
  EXPECT_EQ(mremap_traps(Mode::kSingle), 1024u + 1 + 6 + 4);
  // An atomic exchange that traps, and a queued update, an entry; the tables are three batches.
  EXPECT_EQ(mremap_traps(Mode::kLazy), 512u + 17 + 1 + 3);
  // Three queued updates an entry: 511 are hidden and 1, 1022 change and 2.
  EXPECT_EQ(mremap_traps(Mode::kBatched), 17u + 1 + 33 + 1 + 3);
}

TEST(GoldenNumbers, MremapOfAWholeTableMovesNoEntry) {
  for (const Mode mode : {Mode::kEmulate, Mode::kSingle, Mode::kLazy, Mode::kBatched}) {
    EXPECT_LE(traps_of(mode,
                       [](Mm& mm, uint64_t at) {
                         EXPECT_EQ(sys_mremap(mm, at, kTableBytes, kElsewhere),
                                   static_cast<int64_t>(kElsewhere));
                       }),
              6u);
  }
}

TEST(GoldenNumbers, SwapOutOfAFullTable) {
  const auto swap_out = [](Mm& mm, uint64_t at) {
    EXPECT_EQ(sys_swap_out(mm, at, kTableBytes), 0);
  };
  EXPECT_EQ(traps_of(Mode::kEmulate, swap_out), 1025u);
  EXPECT_EQ(traps_of(Mode::kSingle, swap_out), 1025u);
  EXPECT_EQ(traps_of(Mode::kLazy, swap_out), 512u + 1 + 17);
  EXPECT_EQ(traps_of(Mode::kBatched, swap_out), 17u + 17);
}

TEST(GoldenNumbers, PopulateOfSwappedPages) {
  const auto populate = [](Mode mode, multicall::Limits batch) {
    FakeMachine& machine = start(mode, batch);
    Process process;
    const uint64_t at = process.map_table();
    EXPECT_EQ(sys_populate(process.mm(), at, kTableBytes, 0), 0);
    EXPECT_EQ(sys_swap_out(process.mm(), at, kTableBytes), 0);
    machine.calls() = {};
    EXPECT_EQ(sys_populate(process.mm(), at, kTableBytes, 0), 0);
    EXPECT_EQ(machine.calls().table_updates, 512u);
    return machine.calls().hypercalls;
  };
  EXPECT_EQ(populate(Mode::kBatched, multicall::kClassicalLimits), 512u);
  // 31 requests a call, as many as in a queue of mode batched.
  EXPECT_EQ(populate(Mode::kBest, multicall::kClassicalLimits), 17u);
}

TEST(GoldenNumbers, MunmapOfATable) {
  const auto munmap = [](Mm& mm, uint64_t at) { EXPECT_EQ(sys_munmap(mm, at, kTableBytes), 0); };
  // What empties 512 entries, and then what unlinks, unpins and flushes.
  EXPECT_EQ(traps_of(Mode::kBatched, munmap), 17u + 1);
  EXPECT_EQ(traps_of(Mode::kBest, munmap), 17u);
}

TEST(GoldenNumbers, ANewAddressSpaceIsPinnedAndLoaded) {
  const auto activate = [](Mode mode) {
    FakeMachine& machine = start(mode);
    Mm* mm = mm_create();
    machine.calls() = {};
    mm_activate(*mm, 0);
    const uint64_t calls = machine.calls().hypercalls;
    mm_deactivate(0);
    mm_put(*mm);
    return calls;
  };
  EXPECT_EQ(activate(Mode::kBatched), 2u);
  EXPECT_EQ(activate(Mode::kBest), 1u);
}

// mprotect asks the hypervisor to keep what the processor sets meanwhile; the naive one does not.
TEST(GoldenNumbers, OnlyMprotectNaiveForgetsToPreserve) {
  FakeMachine& machine = start(Mode::kBatched);
  Process process;
  const uint64_t at = process.map_table();
  EXPECT_EQ(sys_populate(process.mm(), at, 512 * kPage, 0), 0);
  machine.calls() = {};
  EXPECT_EQ(sys_mprotect(process.mm(), at, 512 * kPage, guest_abi::kProtRead), 0);
  EXPECT_EQ(machine.calls().preserving_updates, 512u);
  EXPECT_EQ(sys_mprotect_naive(process.mm(), at, 512 * kPage, kReadWrite), 0);
  EXPECT_EQ(machine.calls().preserving_updates, 512u);
  EXPECT_EQ(machine.calls().table_updates, 1024u);
}

}  // namespace
}  // namespace kernel::test
