// The accessors' own checks: what is misused panics without a rule checker.
#include <gtest/gtest.h>

#include "guest_abi/syscall.h"
#include "mm/page_gather.h"
#include "mm/pv/accessors.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/table_lock.h"
#include "mm/pv/tables.h"
#include "mm_fake_machine.h"

namespace kernel::test {
namespace {

constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kAt = guest_abi::kArenaBase;

// An address space with two pages, which vCPU 0 runs on.
class MisuseTest : public testing::Test {
 protected:
  MisuseTest() {
    Options options;
    options.mode = Mode::kBatched;
    machine().start(options);
    mm_ = mm_create();
    mm_activate(*mm_, 0);
    EXPECT_EQ(sys_mmap(*mm_, kAt, 2 * kPage, guest_abi::kProtRead | guest_abi::kProtWrite,
                       guest_abi::kMapFixed),
              static_cast<int64_t>(kAt));
    EXPECT_EQ(sys_populate(*mm_, kAt, 2 * kPage, 0), 0);
  }
  ~MisuseTest() override {
    mm_deactivate(0);
    mm_put(*mm_);
  }
  static FakeMachine& machine() { return FakeMachine::instance(); }
  Mm& mm() { return *mm_; }
  Page& table() { return *find_l1_table(*mm_, kAt); }
  PtePlace place(uint64_t page) { return {*mm_, table(), kAt + page * kPage}; }

 private:
  Mm* mm_ = nullptr;
};

using MisuseDeathTest = MisuseTest;

TEST_F(MisuseTest, RelaxingToAnotherPage) {
  const UserPte other = pte_read(place(1));
  TableLock lock(mm(), table());
  EXPECT_THROW(pte_relax_access(place(0), other.with_accessed()), Panic);
}

TEST_F(MisuseTest, RelaxingInALazySection) {
  const auto relax = [this] {
    const UserPte entry = pte_read(place(0)).with_accessed();
    LazySection section(mm(), table());
    pte_relax_access(place(0), entry);
  };
  EXPECT_THROW(relax(), Panic);
}

TEST_F(MisuseTest, LazyModeInLazyMode) {
  const auto nest = [this] {
    LazySection section(mm(), table());
    LazyMode inner;
  };
  EXPECT_THROW(nest(), Panic);
}

TEST_F(MisuseDeathTest, ATransactionThatIsNotCommitted) {
  const auto drop = [this] {
    TableLock lock(mm(), table());
    PteModification modification(place(0));
  };
  EXPECT_DEATH(drop(), "was not committed");
}

TEST_F(MisuseTest, ATransactionThatIsCommittedTwice) {
  TableLock lock(mm(), table());
  PteModification modification(place(0));
  modification.commit(modification.old());
  EXPECT_THROW(modification.commit(modification.old()), Panic);
}

TEST_F(MisuseDeathTest, AFlushThatIsPromisedAndNotMade) {
  const auto drop = [this] {
    FlushPromise flush(mm());
    flush.add_page(kAt);
  };
  EXPECT_DEATH(drop(), "a TLB flush was promised and not made");
}

TEST_F(MisuseDeathTest, GatheredPagesThatAreNotReleased) {
  const auto drop = [this] {
    PageGather gather;
    EXPECT_TRUE(gather.add(page_of(pte_read(place(0)).frame())));
  };
  EXPECT_DEATH(drop(), "gathered pages were not released");
}

TEST_F(MisuseTest, NoFlushIsMadeWhereNobodyRuns) {
  const auto flushes_of_a_promise = [this] {
    machine().calls() = {};
    FlushPromise flush(mm());
    flush.add_page(kAt);
    flush.pay();
    return machine().calls().page_flushes + machine().calls().flushes;
  };
  EXPECT_EQ(flushes_of_a_promise(), 1u);
  mm_deactivate(0);
  EXPECT_EQ(flushes_of_a_promise(), 0u);
}

}  // namespace
}  // namespace kernel::test
