// Descriptor tables: what may be in them, and that they are typed like anything else.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

using DescriptorTest = DomainTest;

constexpr uint64_t kCode64 = 0x00af9b000000ffff;    // DPL 0
constexpr uint64_t kCallGate = 0x00008c0000080000;  // present, 32-bit call gate
constexpr uint64_t kTss = 0x0000890000000067;       // present, TSS

TEST_F(DescriptorTest, SegmentsAreLoweredToTheGuestsPrivilege) {
  const Mfn frame = take_frame();
  set(frame, 1, kCode64);
  set(frame, 2, kCallGate & ~(uint64_t{1} << 47));  // not present: harmless
  ASSERT_EQ(mmu.get_descriptor_table(call, frame), 0);
  EXPECT_EQ(get(frame, 1), kCode64 | (uint64_t{3} << 45));
  EXPECT_EQ(info(frame).type, PageType::kSegDesc);
  audit_agrees();
  EXPECT_EQ(update(Maddr(frame, 0), 0), -22);  // not by mmu_update
  EXPECT_NE(update(mapping_of(frame), entry_of(frame, kFlagsRw)), 0);
  mmu.put_descriptor_table(frame);
  EXPECT_EQ(info(frame).type, PageType::kNone);
}

TEST_F(DescriptorTest, GatesAndSystemSegmentsAreRefused) {
  for (const uint64_t bad : {kCallGate, kTss}) {
    const Mfn frame = take_frame();
    set(frame, 1, kCode64);
    set(frame, 511, bad);
    EXPECT_REFUSED(mmu.get_descriptor_table(call, frame), kEINVAL, kEntryBits);
    EXPECT_EQ(refusal.slot, 511);
    EXPECT_EQ(get(frame, 1), kCode64);  // nothing was changed
    EXPECT_EQ(info(frame).type, PageType::kNone);
  }
}

TEST_F(DescriptorTest, AWritableFrameIsNoDescriptorTable) {
  EXPECT_REFUSED(mmu.get_descriptor_table(call, kData), kEINVAL, kOneType);
  EXPECT_REFUSED(mmu.get_descriptor_table(call, Mfn(2)), kEINVAL, kEntryTarget);
}

TEST_F(DescriptorTest, SingleUpdates) {
  const Mfn frame = take_frame();
  ASSERT_EQ(mmu.get_descriptor_table(call, frame), 0);
  ASSERT_EQ(mmu.update_descriptor(call, Maddr(frame, 8), kCode64), 0);
  EXPECT_EQ(get(frame, 1), kCode64 | (uint64_t{3} << 45));
  EXPECT_REFUSED(mmu.update_descriptor(call, Maddr(frame, 8), kCallGate), kEINVAL, kEntryBits);
  EXPECT_REFUSED(mmu.update_descriptor(call, Maddr(frame, 9), kCode64), kEINVAL, kAnyInput);
  EXPECT_REFUSED(mmu.update_descriptor(call, Maddr(root(), 8), kCode64), kEINVAL, kOneType);
  EXPECT_REFUSED(mmu.update_descriptor(call, Maddr(Mfn(1), 8), kCode64), kEINVAL, kEntryTarget);
  EXPECT_EQ(mmu.update_descriptor(call, Maddr(kData, 8), kCode64), 0);
  mmu.put_descriptor_table(frame);
}

}  // namespace
}  // namespace pvmmu::testing
