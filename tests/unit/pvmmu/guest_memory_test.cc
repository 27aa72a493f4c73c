// Walks and copies through the guest's tables.
#include <utility>

#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class GuestMemoryTest : public DomainTest {
 protected:
  uint64_t mapping(Mfn frame) { return get(mapping_of(frame).frame(), frame.raw() & 511); }
  void clear_accessed(Mfn frame) {
    ASSERT_EQ(update(mapping_of(frame), mapping(frame) & ~kPteAccessedDirty), 0);
  }
};

TEST_F(GuestMemoryTest, AWalkReadsFourEntries) {
  const WalkResult walked = mmu.walk(root(), address_of(kData) + 0x123, Access{.write = true});
  ASSERT_TRUE(walked.ok);
  EXPECT_EQ(walked.step_count, 4u);
  EXPECT_EQ(walked.steps[0].table, root());
  EXPECT_EQ(walked.leaf().table, mapping_of(kData).frame());
  EXPECT_EQ(walked.leaf().slot, kData.raw());
  EXPECT_EQ(walked.address, Maddr(kData, 0x123));
  EXPECT_TRUE(walked.writable && walked.user && walked.executable);
}

TEST_F(GuestMemoryTest, FaultCodes) {
  EXPECT_EQ(mmu.walk(root(), address_of(Mfn(200)), Access{.write = true}).fault_code,
            kFaultPresent | kFaultWrite | kFaultUser);
  EXPECT_EQ(mmu.walk(root(), LinearAddr(0), Access{}).fault_code, kFaultUser);
  EXPECT_EQ(mmu.walk(root(), LinearAddr(0), Access{.fetch = true, .user = false}).fault_code,
            kFaultFetch);
  ASSERT_EQ(update(mapping_of(kData), entry_of(kData, kFlagsRw | kPteNoExecute)), 0);
  EXPECT_EQ(mmu.walk(root(), address_of(kData), Access{.fetch = true}).fault_code,
            kFaultPresent | kFaultUser | kFaultFetch);
  EXPECT_TRUE(mmu.walk(root(), LinearAddr(0x800000000000), Access{}).non_canonical);
  EXPECT_FALSE(mmu.walk(kInvalidMfn, address_of(kData), Access{}).ok);
  EXPECT_FALSE(mmu.walk(kData, address_of(kData), Access{}).ok);  // not an L4 table
}

TEST_F(GuestMemoryTest, AFetchFromExecutableMemory) {
  EXPECT_TRUE(mmu.walk(root(), address_of(kData), Access{.fetch = true}).ok);
}

// Superpages are found in the hypervisor's own slots only.
TEST_F(GuestMemoryTest, SuperpagesOfTheHypervisor) {
  open_hypervisor_slots();
  set(Mfn(2), 1, kFlagsRo | kPtePageSize);
  set(Mfn(3), 1, kFlagsRo | kPtePageSize);
  for (const auto& [at, level] : {std::pair{hypervisor_address(1, 0, 40), PtLevel::kL3},
                                  std::pair{hypervisor_address(0, 1, 40), PtLevel::kL2}}) {
    const WalkResult walked = mmu.walk(root(), at + 0x123, Access{});
    EXPECT_TRUE(walked.ok);
    EXPECT_EQ(walked.leaf_level, level);
    EXPECT_EQ(walked.address, Maddr(Mfn(40), 0x123));
  }
}

TEST_F(GuestMemoryTest, NoUserAccessWithoutUser) {
  open_hypervisor_slots();
  set(Mfn(4), 5, entry_of(kData, kFlagsRw & ~kPteUser));
  const LinearAddr at = hypervisor_address(0, 0, 5);
  const WalkResult walked = mmu.walk(root(), at, Access{});
  EXPECT_FALSE(walked.ok);
  EXPECT_TRUE(walked.mapped);
  EXPECT_EQ(walked.fault_code, kFaultPresent | kFaultUser);
  EXPECT_TRUE(mmu.walk(root(), at, Access{.user = false}).ok);
}

// At every level: the walk ends there, and nothing is read or written outside.
TEST_F(GuestMemoryTest, AWalkThatLeavesMemory) {
  open_hypervisor_slots();
  const uint64_t outside = entry_of(Mfn(kFrames), kFlagsRw);
  set(Mfn(2), 1, outside);
  set(Mfn(3), 1, outside);
  set(Mfn(4), 1, outside);
  set(Mfn(3), 2, kFlagsRw | kPtePageSize);  // the first 2 MiB, of which memory is one
  unsigned steps = 2;
  for (const LinearAddr at :
       {hypervisor_address(1), hypervisor_address(0, 1), hypervisor_address(0, 0, 1)}) {
    const WalkResult walked = mmu.walk(root(), at, Access{.write = true});
    EXPECT_FALSE(walked.ok);
    EXPECT_FALSE(walked.mapped);
    EXPECT_EQ(walked.step_count, steps++);
    EXPECT_EQ(walked.fault_code, kFaultPresent | kFaultReserved | kFaultUser | kFaultWrite);
    uint64_t value = 0;
    EXPECT_FALSE(mmu.copy_from_guest(root(), &value, at, sizeof value));
    EXPECT_FALSE(mmu.copy_to_guest(root(), at, &value, sizeof value));
  }
  EXPECT_TRUE(mmu.walk(root(), hypervisor_address(0, 2, kFrames - 1), Access{}).ok);
  EXPECT_FALSE(mmu.walk(root(), hypervisor_address(0, 2, kFrames), Access{}).ok);
}

TEST_F(GuestMemoryTest, PermissionsOfAllLevelsCount) {
  const Mfn l2 = mmu.walk(root(), address_of(kData), Access{}).steps[2].table;
  ASSERT_EQ(update(Maddr(l2, 0), get(l2, 0) & ~kPteWritable), 0);
  const WalkResult walked = mmu.walk(root(), address_of(kData), Access{.write = true});
  EXPECT_FALSE(walked.ok);
  EXPECT_TRUE(walked.mapped);
  EXPECT_FALSE(walked.writable);
  uint64_t value = 1;
  EXPECT_FALSE(mmu.copy_to_guest(root(), address_of(kData), &value, sizeof value));
}

TEST_F(GuestMemoryTest, AWalkMarksNothingAndCopiesMarkLikeAProcessor) {
  clear_accessed(kData);
  mmu.walk(root(), address_of(kData), Access{.write = true});
  EXPECT_FALSE(mapping(kData) & kPteAccessedDirty);
  uint64_t value = 0;
  ASSERT_TRUE(mmu.copy_from_guest(root(), &value, address_of(kData), sizeof value));
  EXPECT_EQ(mapping(kData) & kPteAccessedDirty, kPteAccessed);
  ASSERT_TRUE(mmu.copy_to_guest(root(), address_of(kData), &value, sizeof value));
  EXPECT_EQ(mapping(kData) & kPteAccessedDirty, kPteAccessedDirty);
}

TEST_F(GuestMemoryTest, CopiesCrossPages) {
  std::vector<unsigned char> out(3 * kPageSize), in(out.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<unsigned char>(i * 31 / 7);
  const LinearAddr at = address_of(kRequests) + 5;
  ASSERT_TRUE(mmu.copy_to_guest(root(), at, out.data(), out.size()));
  ASSERT_TRUE(mmu.copy_from_guest(root(), in.data(), at, in.size()));
  EXPECT_EQ(in, out);
  EXPECT_EQ(info(kRequests).type_count, 1u);
}

TEST_F(GuestMemoryTest, AFaultNamesItsAddress) {
  ASSERT_EQ(update(mapping_of(kRequests + 1), 0), 0);
  unsigned char buffer[100] = {};
  const LinearAddr at = address_of(kRequests) + (kPageSize - 50);
  EXPECT_FALSE(mmu.copy_from_guest(root(), buffer, at, sizeof buffer));
  EXPECT_EQ(mmu.fault_address(), address_of(kRequests + 1));
  EXPECT_FALSE(mmu.copy_to_guest(root(), at, buffer, sizeof buffer));
  EXPECT_EQ(mmu.fault_address(), address_of(kRequests + 1));
}

TEST_F(GuestMemoryTest, WildAddresses) {
  unsigned char buffer[16] = {};
  for (const uint64_t at : {uint64_t{0}, ~uint64_t{0}, ~uint64_t{0} - 7, uint64_t{0x7ffffffffff8},
                            uint64_t{0x800000000000}, uint64_t{0xffff7ffffffffff8},
                            uint64_t{0xffff800000000000}, uint64_t{0xffff808000000000}}) {
    EXPECT_FALSE(mmu.copy_from_guest(root(), buffer, LinearAddr(at), sizeof buffer)) << at;
    EXPECT_FALSE(mmu.copy_to_guest(root(), LinearAddr(at), buffer, sizeof buffer)) << at;
  }
  EXPECT_FALSE(mmu.copy_from_guest(kInvalidMfn, buffer, address_of(kData), sizeof buffer));
  EXPECT_TRUE(mmu.copy_from_guest(root(), buffer, LinearAddr(0), 0));  // nothing to copy
}

TEST_F(GuestMemoryTest, NoWriteToTablesOrReadOnlyMemory) {
  uint64_t value = 0;
  EXPECT_FALSE(mmu.copy_to_guest(root(), address_of(root()), &value, sizeof value));
  EXPECT_FALSE(mmu.copy_to_guest(root(), address_of(Mfn(200)), &value, sizeof value));
  EXPECT_TRUE(mmu.copy_from_guest(root(), &value, address_of(root()), sizeof value));
  EXPECT_TRUE(mmu.copy_to_guest(root(), address_of(kShared), &value, sizeof value));
}

TEST_F(GuestMemoryTest, ReferencesOfTheVmmKeepAFrameFromBecomingATable) {
  const Mfn frame = take_frame();
  ASSERT_EQ(mmu.get_writable(call, "vcpu_op", frame), 0);
  EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE, frame), kEINVAL, kOneType);
  audit_agrees();
  mmu.put_writable(frame);
  EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, frame), 0);
  const uint64_t refusals = counters.refusals;
  EXPECT_REFUSED(mmu.get_writable(call, "vcpu_op", frame), kEINVAL, kOneType);
  EXPECT_STREQ(refusal.operation, "vcpu_op");
  EXPECT_EQ(refusal.frame, frame);
  EXPECT_TRUE(refusal.now.pinned);
  EXPECT_REFUSED(mmu.get_writable(call, "vcpu_op", Mfn(2)), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(mmu.get_writable(call, "vcpu_op", kInvalidMfn), kEINVAL, kEntryTarget);
  EXPECT_EQ(counters.refusals, refusals + 3);
}

}  // namespace
}  // namespace pvmmu::testing
