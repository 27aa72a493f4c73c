// What a recount that disagrees says.
#include "explain/call_audit.h"

#include "abi/xen.h"
#include "explain_test.h"

namespace vmm {
namespace {

using namespace pvmmu;
using namespace pvmmu::testing;

class CallAuditTest : public ExplainTest {
 protected:
  void TearDown() override {}  // these tests break things on purpose

  std::string report() {
    HypercallRing ring;
    ring.begin(__HYPERVISOR_mmu_update, {0x1000, 2, 0, DOMID_SELF});
    ring.end(-XEN_EBUSY);
    return audit_report(findings_, frames(), "a test", {{0, ring.last()}, {1, {}}});
  }

  AuditFindings findings_;
};

TEST_F(CallAuditTest, ASoundDomainAgrees) {
  EXPECT_TRUE(findings_.recount(mmu));
  EXPECT_EQ(findings_.count(), 0u);
}

TEST_F(CallAuditTest, NamesTheFrameBothValuesItsUsersAndTheLastCalls) {
  ++frame_table[kData.raw()].type_count;
  EXPECT_FALSE(findings_.recount(mmu));
  EXPECT_EQ(report(),
            "*** the audit found types or counts that disagree with memory after a test; this is a "
            "defect of pvmmu\n"
            "  frame 0x28: type count is 2, but 1 by recount\n"
            "    frame 0x28 is a writable page, used as such by slot 40 of L1 table 0xfc (type "
            "count 2, total count 1)\n"
            "    chain: frame 0x28 <- slot 40 of L1 table 0xfc <- slot 0 of L2 table 0xfd <- slot "
            "1 of L3 table 0xfe <- slot 0 of L4 table 0xff <- a pin and the kernel base pointer of "
            "vCPU 0\n"
            "last hypercalls of vCPU 0, oldest first\n"
            "  mmu_update             (0x1000, 0x2, 0, 0x7ff0, 0) = -EBUSY\n"
            "last hypercalls of vCPU 1, oldest first\n");
}

TEST_F(CallAuditTest, NamesTheEntryThatIsWrong) {
  const Mfn l1 = mapping_of(kData).frame();
  set(l1, 40, entry_of(root(), kFlagsRw));  // as if the guest had written it
  EXPECT_FALSE(findings_.recount(mmu));
  const std::string found = report();
  EXPECT_TRUE(contains(found, "frame 0xff: used as two types is L4 table, but writable"));
  EXPECT_TRUE(contains(found, "found in slot 40 of L1 table 0xfc: 0xff067 (frame 0xff, writable"));
  EXPECT_TRUE(contains(found, "frame 0x28: type is writable, but none by recount"));
}

TEST_F(CallAuditTest, ManyDifferencesAreCounted) {
  for (uint64_t i = 16; i < 64; ++i) ++frame_table[i].total_count;
  EXPECT_FALSE(findings_.recount(mmu));
  EXPECT_EQ(findings_.kept().size(), AuditFindings::kMostKept);
  EXPECT_EQ(findings_.count(), 48u);
  EXPECT_TRUE(contains(report(), "  and 32 more\n"));
  for (uint64_t i = 16; i < 64; ++i) --frame_table[i].total_count;
  EXPECT_TRUE(findings_.recount(mmu));
  EXPECT_EQ(findings_.kept().size(), 0u);
}

TEST_F(CallAuditTest, CountsNothing) {
  const MmuCounters before = mmu.own_counters();
  const auto memory = platform.snapshot();
  platform.history.clear();
  EXPECT_TRUE(findings_.recount(mmu));
  EXPECT_EQ(memory, platform.snapshot());
  EXPECT_TRUE(platform.history.empty());
  EXPECT_EQ(std::memcmp(&before, &mmu.own_counters(), sizeof before), 0);
}

}  // namespace
}  // namespace vmm
