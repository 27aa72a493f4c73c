// Address spaces on a fake machine that enforces what a hypervisor would: in every mode, with and
// without split locks.
#include <gtest/gtest.h>

#include "guest_abi/syscall.h"
#include "mm/address_space.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/lazy_section.h"
#include "mm_fake_machine.h"

namespace kernel::test {
namespace {

using guest_abi::kMapFixed;
using guest_abi::kMapShared;
using guest_abi::kProtRead;
using guest_abi::kProtWrite;

constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kTable = 512 * kPage;
constexpr uint64_t kArena = guest_abi::kArenaBase;
constexpr uint64_t kReadWrite = kProtRead | kProtWrite;

struct Setting {
  Mode mode;
  bool split_ptl;
  bool batching;
};

class AddressSpaceTest : public testing::TestWithParam<Setting> {
 protected:
  AddressSpaceTest() {
    Options options;
    options.mode = GetParam().mode;
    options.split_ptl = GetParam().split_ptl;
    options.batch = GetParam().batching ? multicall::kClassicalLimits : multicall::kUnbatchedLimits;
    machine_.start(options);
    warm_up();
    frames_before_ = used_frame_count();
    mm_ = mm_create();
    mm_activate(*mm_, 0);
  }
  ~AddressSpaceTest() override {
    if (mm_ != nullptr) {
      end(mm_);
    }
    EXPECT_EQ(used_frame_count(), frames_before_) << "frames leaked";
  }

  // The pools' pages are not leaks.
  void warm_up() {
    Mm* mm = mm_create();
    sys_mmap(*mm, kArena, kPage, kProtRead, kMapShared | kMapFixed);
    mm_put(*mm);
  }
  void end(Mm*& mm) {
    mm_deactivate(0);
    mm_put(*mm);
    mm = nullptr;
  }
  uint64_t map(uint64_t pages, uint64_t prot = kReadWrite, uint64_t flags = 0) {
    return static_cast<uint64_t>(sys_mmap(*mm_, 0, pages * kPage, prot, flags));
  }
  uint64_t state(uint64_t address) { return static_cast<uint64_t>(sys_pte_query(*mm_, address)); }
  // Runs as the other process.
  void run(Mm& mm) { mm_activate(mm, 0); }

  FakeMachine& machine_ = FakeMachine::instance();
  uint64_t frames_before_ = 0;
  Mm* mm_ = nullptr;
};

TEST_P(AddressSpaceTest, DemandPagingGivesZeroedMemoryThatKeepsValues) {
  const uint64_t at = map(4);
  EXPECT_EQ(at, kArena);
  EXPECT_EQ(machine_.read(*mm_, at), 0u);
  machine_.write(*mm_, at, 1);  // no second fault: the page came with all rights
  machine_.write(*mm_, at + kPage, 2);
  EXPECT_EQ(machine_.fault_count(), 2u);
  EXPECT_EQ(machine_.read(*mm_, at), 1u);
  EXPECT_EQ(machine_.read(*mm_, at + kPage), 2u);
  EXPECT_THROW(machine_.read(*mm_, at + 4 * kPage), SegmentationFault);
}

TEST_P(AddressSpaceTest, UnmapTakesPagesTablesAndTranslationsAway) {
  const uint64_t at = map(1024);
  for (uint64_t page = 0; page < 1024; page += 3) {
    machine_.write(*mm_, at + page * kPage, page);
  }
  const uint64_t frames_mapped = used_frame_count();
  EXPECT_EQ(sys_munmap(*mm_, at + 100 * kPage, 800 * kPage), 0);
  EXPECT_THROW(machine_.read(*mm_, at + 300 * kPage), SegmentationFault);
  EXPECT_EQ(machine_.read(*mm_, at + 99 * kPage), 99u);
  EXPECT_EQ(machine_.read(*mm_, at + 900 * kPage), 900u);
  EXPECT_EQ(sys_munmap(*mm_, at, 1024 * kPage), 0);
  EXPECT_EQ(sys_munmap(*mm_, at, 1024 * kPage), 0);  // nothing there is no error
  EXPECT_EQ(sys_pte_query(*mm_, at), 0);             // not even a table
  EXPECT_LT(used_frame_count(), frames_mapped - 300);
}

TEST_P(AddressSpaceTest, ForkedProcessesShareUntilOneWrites) {
  const uint64_t at = map(600);
  for (uint64_t page = 0; page < 600; ++page) {
    machine_.write(*mm_, at + page * kPage, page);
  }
  Mm* child = mm_fork(*mm_);
  ASSERT_NE(child, nullptr);
  machine_.write(*mm_, at, 1000);  // through a translation that was flushed: copied
  run(*child);
  EXPECT_EQ(machine_.read(*child, at), 0u);
  EXPECT_EQ(machine_.read(*child, at + 599 * kPage), 599u);
  machine_.write(*child, at + kPage, 2000);
  machine_.write(*child, at, 3000);  // sole owner by now: reused
  run(*mm_);
  EXPECT_EQ(machine_.read(*mm_, at), 1000u);
  EXPECT_EQ(machine_.read(*mm_, at + kPage), 1u);
  mm_put(*child);
}

TEST_P(AddressSpaceTest, SharedMappingsStaySharedAndOutliveUnmapping) {
  const uint64_t at = map(3, kReadWrite, kMapShared);
  machine_.write(*mm_, at, 1);
  Mm* child = mm_fork(*mm_);
  ASSERT_NE(child, nullptr);
  run(*child);
  EXPECT_EQ(machine_.read(*child, at), 1u);
  machine_.write(*child, at + kPage, 2);  // first touched after the fork
  run(*mm_);
  EXPECT_EQ(machine_.read(*mm_, at + kPage), 2u);
  EXPECT_EQ(sys_madvise_dontneed(*mm_, at, 3 * kPage), 0);
  EXPECT_EQ(machine_.read(*mm_, at), 1u);  // the object still has it
  mm_put(*child);
}

TEST_P(AddressSpaceTest, DontNeedForgetsPrivateMemory) {
  const uint64_t at = map(2);
  machine_.write(*mm_, at, 7);
  EXPECT_EQ(sys_madvise_dontneed(*mm_, at, 2 * kPage), 0);
  EXPECT_EQ(machine_.read(*mm_, at), 0u);
  EXPECT_EQ(sys_madvise_dontneed(*mm_, at, 3 * kPage), -12);
}

TEST_P(AddressSpaceTest, ProtectionIsEnforcedAndContentsStay) {
  const uint64_t at = map(600);
  for (uint64_t page = 0; page < 600; ++page) {
    machine_.write(*mm_, at + page * kPage, page + 1);
  }
  EXPECT_EQ(sys_mprotect(*mm_, at, 600 * kPage, kProtRead), 0);
  EXPECT_THROW(machine_.write(*mm_, at + 5 * kPage, 0), SegmentationFault);
  EXPECT_EQ(machine_.read(*mm_, at + 5 * kPage), 6u);
  EXPECT_EQ(sys_mprotect(*mm_, at, 300 * kPage, 0), 0);
  EXPECT_THROW(machine_.read(*mm_, at + 5 * kPage), SegmentationFault);
  EXPECT_EQ(machine_.read(*mm_, at + 300 * kPage), 301u);
  EXPECT_EQ(sys_mprotect(*mm_, at, 600 * kPage, kReadWrite), 0);
  const uint64_t faults = machine_.fault_count();
  machine_.write(*mm_, at + 5 * kPage, 9);  // the only owner: writable at once
  EXPECT_EQ(machine_.fault_count(), faults);
  EXPECT_EQ(machine_.read(*mm_, at + 6 * kPage), 7u);
  EXPECT_NE(state(at + 7 * kPage) & guest_abi::kPteStateDirty, 0u);
}

TEST_P(AddressSpaceTest, ProtectionDoesNotBreakCopyOnWrite) {
  const uint64_t at = map(2);
  machine_.write(*mm_, at, 1);
  Mm* child = mm_fork(*mm_);
  EXPECT_EQ(sys_mprotect(*mm_, at, 2 * kPage, kProtRead), 0);
  EXPECT_EQ(sys_mprotect(*mm_, at, 2 * kPage, kReadWrite), 0);
  machine_.write(*mm_, at, 2);
  run(*child);
  EXPECT_EQ(machine_.read(*child, at), 1u);
  run(*mm_);
  mm_put(*child);
}

TEST_P(AddressSpaceTest, WritebackCleansWhatProtNoneKeepsAway) {
  const uint64_t at = map(1, kReadWrite, guest_abi::kMapFile);
  machine_.write(*mm_, at, 1);
  EXPECT_EQ(sys_mprotect(*mm_, at, kPage, 0), 0);
  EXPECT_EQ(sys_writeback(*mm_, at, kPage), 0);
  EXPECT_EQ(sys_mprotect(*mm_, at, kPage, kReadWrite), 0);
  // Else it could be written without a fault that marks the page dirty.
  EXPECT_EQ(state(at) & (guest_abi::kPteStateWritable | guest_abi::kPteStateDirty), 0u);
  machine_.write(*mm_, at, 2);
  EXPECT_NE(state(at) & guest_abi::kPteStatePageDirty, 0u);
}

TEST_P(AddressSpaceTest, ErrorsAreLinux) {
  const uint64_t at = map(2);
  EXPECT_EQ(sys_mmap(*mm_, 0, 0, kProtRead, 0), -22);
  EXPECT_EQ(sys_mmap(*mm_, at + 1, kPage, kProtRead, kMapFixed), -22);
  EXPECT_EQ(sys_mmap(*mm_, 0, ~uint64_t{0}, kProtRead, 0), -12);
  EXPECT_EQ(sys_munmap(*mm_, at + 1, kPage), -22);
  EXPECT_EQ(sys_munmap(*mm_, at, 0), -22);
  EXPECT_EQ(sys_munmap(*mm_, uint64_t{1} << 47, kPage), -22);
  EXPECT_EQ(sys_mprotect(*mm_, at, 3 * kPage, kProtRead), -12);
  EXPECT_THROW(machine_.write(*mm_, at, 1), SegmentationFault);  // up to the hole it was done
  EXPECT_EQ(sys_mprotect(*mm_, at, kPage, 64), -22);
  EXPECT_EQ(sys_populate(*mm_, at, 3 * kPage, 0), -12);
  EXPECT_EQ(sys_populate(*mm_, at, kPage, guest_abi::kMaxPhases), -22);
}

TEST_P(AddressSpaceTest, AccessedAndDirtyCanBeClearedAndComeBack) {
  const uint64_t at = map(3);
  for (uint64_t page = 0; page < 3; ++page) {
    machine_.write(*mm_, at + page * kPage, 1);
  }
  EXPECT_EQ(sys_clear_refs(*mm_, at, 3 * kPage), 0);
  EXPECT_EQ(sys_test_and_clear_young(*mm_, at, 3 * kPage), 0);
  machine_.read(*mm_, at);
  machine_.write(*mm_, at + kPage, 2);  // flushed, so D is set again
  using guest_abi::kPteStateAccessed;
  using guest_abi::kPteStateDirty;
  EXPECT_EQ(state(at) & (kPteStateAccessed | kPteStateDirty), kPteStateAccessed);
  EXPECT_EQ(sys_test_and_clear_young(*mm_, at, 3 * kPage), 2);
  const uint64_t second = state(at + kPage);
  EXPECT_EQ(second & (kPteStateAccessed | kPteStateDirty), kPteStateDirty);
}

TEST_P(AddressSpaceTest, TheKernelCopiesToAndFromUserMemory) {
  const uint64_t at = map(2);
  const char text[] = "over the border of two pages";
  char back[sizeof(text)] = {};
  const uint64_t place = at + kPage - 5;
  EXPECT_EQ(copy_to_user(*mm_, place, text, sizeof(text)), 0);
  EXPECT_EQ(copy_from_user(*mm_, back, place, sizeof(text)), 0);
  EXPECT_STREQ(back, text);
  EXPECT_NE(state(at) & guest_abi::kPteStateDirty, 0u);
  EXPECT_EQ(copy_to_user(*mm_, at + 2 * kPage - 4, text, sizeof(text)), -14);
  EXPECT_EQ(copy_from_user(*mm_, back, ~uint64_t{0} - 3, sizeof(text)), -14);
}

TEST_P(AddressSpaceTest, ANewTableInALiveAddressSpaceIsTypedBeforeItIsLinked) {
  // Three levels at once, then two, then one: the fake refuses tables that are writable.
  const uint64_t far = uint64_t{1} << 40;
  ASSERT_EQ(sys_mmap(*mm_, far, kPage, kReadWrite, kMapFixed), static_cast<int64_t>(far));
  machine_.write(*mm_, far, 1);
  const uint64_t near = far + (uint64_t{1} << 30);
  ASSERT_EQ(sys_mmap(*mm_, near, kPage, kReadWrite, kMapFixed), static_cast<int64_t>(near));
  machine_.write(*mm_, near, 2);
  EXPECT_EQ(sys_munmap(*mm_, far, 2 * (uint64_t{1} << 30)), 0);
  EXPECT_EQ(sys_pte_query(*mm_, near), 0);
}

TEST_P(AddressSpaceTest, OtherVcpusLoseTheirTranslations) {
  const uint64_t at = map(2);
  machine_.write(*mm_, at, 1);
  machine_.run_on(1);
  mm_activate(*mm_, 1);
  EXPECT_EQ(machine_.read(*mm_, at), 1u);
  machine_.write(*mm_, at + kPage, 2);
  machine_.run_on(0);
  EXPECT_EQ(sys_mprotect(*mm_, at, 2 * kPage, kProtRead), 0);
  machine_.run_on(1);
  EXPECT_THROW(machine_.write(*mm_, at + kPage, 3), SegmentationFault);
  machine_.run_on(0);
  EXPECT_EQ(sys_munmap(*mm_, at, 2 * kPage), 0);
  machine_.run_on(1);
  EXPECT_THROW(machine_.read(*mm_, at), SegmentationFault);
  mm_deactivate(1);
  machine_.run_on(0);
}

TEST_P(AddressSpaceTest, AFlushNamesTheVcpusOfItsAddressSpaceAlone) {
  const uint64_t at = map(8);
  Mm* other = mm_fork(*mm_);
  ASSERT_NE(other, nullptr);
  machine_.write(*mm_, at, 1);
  machine_.run_on(1);
  mm_activate(*other, 1);
  machine_.run_on(2);
  mm_activate(*mm_, 2);
  machine_.run_on(3);
  mm_activate(*mm_, 3);
  mm_deactivate(3);
  machine_.run_on(0);
  machine_.write(*mm_, at + kPage, 1);
  machine_.write(*mm_, at + 2 * kPage, 1);
  // One page: that page is named; several: all of them at once.
  machine_.calls() = {};
  EXPECT_EQ(sys_mprotect(*mm_, at, kPage, kProtRead), 0);
  EXPECT_EQ(machine_.calls().flushed_vcpus, 0b101u);
  EXPECT_EQ(machine_.calls().page_flushes, 1u);
  EXPECT_EQ(machine_.calls().flushes, 0u);
  EXPECT_EQ(sys_swap_out(*mm_, at + kPage, 2 * kPage), 0);
  EXPECT_EQ(machine_.calls().flushed_vcpus, 0b101u);
  EXPECT_EQ(machine_.calls().page_flushes, 1u);
  EXPECT_EQ(machine_.calls().flushes, 1u);
  for (const unsigned cpu : {1u, 2u}) {
    machine_.run_on(cpu);
    mm_deactivate(cpu);
  }
  machine_.run_on(0);
  mm_put(*other);
}

TEST_P(AddressSpaceTest, NothingIsQueuedWhenUpcallsOpenOrRootsAreLoaded) {
  mm_before_events_open();
  Mm* other = mm_create();
  ASSERT_NE(other, nullptr);
  LazyThread thread;
  {
    LazyMode lazy;
    EXPECT_THROW(mm_before_events_open(), Panic);
    EXPECT_THROW(mm_switch_out(thread), Panic);
    EXPECT_THROW(mm_activate(*other, 0), Panic);
  }
  mm_before_events_open();
  if (GetParam().batching && GetParam().mode >= Mode::kLazy) {
    LazyMode lazy;
    CallBatch batch;
    batch.flush_all(*mm_);
    EXPECT_THROW(mm_before_events_open(), Panic);
  }
  mm_put(*other);
}

INSTANTIATE_TEST_SUITE_P(
    Modes, AddressSpaceTest,
    testing::Values(Setting{Mode::kEmulate, true, true}, Setting{Mode::kEmulate, false, true},
                    Setting{Mode::kSingle, true, true}, Setting{Mode::kSingle, false, true},
                    Setting{Mode::kLazy, true, true}, Setting{Mode::kLazy, false, true},
                    Setting{Mode::kBatched, true, true}, Setting{Mode::kBatched, false, true},
                    Setting{Mode::kBatched, true, false}, Setting{Mode::kBest, true, true},
                    Setting{Mode::kBest, false, true}, Setting{Mode::kBest, true, false}),
    [](const testing::TestParamInfo<Setting>& setting) {
      return std::string(mode_name(setting.param.mode)) +
             (setting.param.split_ptl ? "Split" : "Unsplit") +
             (setting.param.batching ? "" : "Unbatched");
    });

}  // namespace
}  // namespace kernel::test
