// Who uses a frame, upwards to a root.
#include "explain/frame_chain.h"

#include "explain/frame_text.h"
#include "explain_test.h"

namespace vmm {
namespace {

using namespace pvmmu;
using namespace pvmmu::testing;
using Kind = FrameUser::Kind;

class FrameChainTest : public ExplainTest {};

TEST_F(FrameChainTest, APageLeadsToTheRootAndToItsAddress) {
  const FrameChain chain = find_chain(frames(), kData);
  ASSERT_EQ(chain.links.size(), 5u);
  ASSERT_EQ(chain.steps.size(), 4u);
  EXPECT_EQ(chain.links[0].state.type, PageType::kWritable);
  EXPECT_EQ(chain.steps[0].table, mapping_of(kData).frame());
  EXPECT_EQ(chain.steps[0].slot, kData.raw());
  EXPECT_EQ(chain.links.back().frame, root());
  EXPECT_EQ(chain.address(), address_of(kData));
  EXPECT_EQ(chain_text(chain),
            "frame 0x28 <- slot 40 of L1 table 0xfc <- slot 0 of L2 table 0xfd <- slot 1 of L3 "
            "table 0xfe <- slot 0 of L4 table 0xff <- a pin and the kernel base pointer of vCPU 0");
}

TEST_F(FrameChainTest, ReadOnlyMappingsOfTablesAreNoWayUp) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  const FrameChain chain = find_chain(frames(), table);
  ASSERT_EQ(chain.links.size(), 1u);
  const FrameLink& link = chain.links[0];
  ASSERT_EQ(link.uses.size(), 2u);
  EXPECT_EQ(link.uses[0].user.kind, Kind::kPin);
  EXPECT_TRUE(link.uses[0].relies_on_type);
  EXPECT_EQ(link.uses[1].user.kind, Kind::kEntry);
  EXPECT_FALSE(link.uses[1].relies_on_type);
  EXPECT_EQ(chain.address(), std::nullopt);
}

TEST_F(FrameChainTest, WhatReliesOnTheTypeComesFirstAndTheRestIsCounted) {
  const Mfn page = take_frame();  // mapped read-only by the domain's own L1 table already
  const Mfn table = take_frame();
  for (unsigned slot = 0; slot < 12; ++slot) set(table, slot, entry_of(page, kFlagsRo));
  set(table, 12, entry_of(page, kFlagsRw));
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  const FrameLink link = find_link(frames(), page);
  EXPECT_EQ(link.use_count, 14u);
  ASSERT_EQ(link.uses.size(), FrameLink::kMaxUses);
  EXPECT_EQ(link.uses_not_listed(), 6u);
  EXPECT_EQ(link.uses[0].user.slot, 12u);
  EXPECT_TRUE(link.uses[0].relies_on_type);
  EXPECT_FALSE(link.uses[1].relies_on_type);
  EXPECT_TRUE(contains(link_text(link),
                       "used as such by slot 12 of L1 table 0x41, mapped "
                       "read-only by slot 0 of L1 table 0x41, "));
  EXPECT_TRUE(contains(link_text(link), " and 6 more (type count 1, total count 14)"));
}

TEST_F(FrameChainTest, ATableThatNamesItselfEndsTheChain) {
  ASSERT_EQ(update(Maddr(root(), 5 * 8), entry_of(root(), kFlagsRo)), 0);
  const FrameChain chain = find_chain(frames(), root());
  EXPECT_EQ(chain.links.size(), 1u);
  const FrameChain page = find_chain(frames(), kData);
  EXPECT_EQ(page.address(), address_of(kData));
}

TEST_F(FrameChainTest, SameLevelEntriesDoNotLoop) {
  const Mfn one = take_frame(), other = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, one), 0);
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, other), 0);
  ASSERT_EQ(update(Maddr(one, 0), entry_of(other, kFlagsRo)), 0);
  const FrameChain chain = find_chain(frames(), other);
  ASSERT_EQ(chain.links.size(), 2u);
  EXPECT_EQ(chain.links[1].frame, one);
  EXPECT_EQ(chain.address(), std::nullopt);  // through `one` it is no root
}

TEST_F(FrameChainTest, EntriesTranslateWhatTheirTablesAreRegionsOf) {
  const Mfn l1 = mapping_of(kData).frame();
  EXPECT_EQ(address_of_entry(frames(), l1, 7), address_of(Mfn(7)));
  EXPECT_EQ(address_of_entry(frames(), root(), 256), LinearAddr(0xffff800000000000));
  EXPECT_EQ(address_of_entry(frames(), kData, 0), std::nullopt);
  EXPECT_EQ(address_of_entry(frames(), Mfn(kFrames), 0), std::nullopt);
}

TEST_F(FrameChainTest, TheVmmsReferencesAreUses) {
  ASSERT_EQ(mmu.get_writable(call, "vcpu_op", kData), 0);
  const FrameLink link = find_link(frames(), kData);
  EXPECT_TRUE(contains(link_text(link),
                       "frame 0x28 is a writable page, used as such by the VMM "
                       "and slot 40 of L1 table 0xfc (type count 2"));
  mmu.put_writable(kData);
}

TEST(EntryText, NamesBits) {
  EXPECT_EQ(entry_text(0), "0 (empty)");
  EXPECT_EQ(entry_text(0x1000), "0x1000 (not present)");
  EXPECT_EQ(entry_text(0x41067), "0x41067 (frame 0x41, writable, user, accessed, dirty)");
  EXPECT_EQ(entry_text(0xc000'0000'0000'119d),
            "0xc00000000000119d (frame 0x1, user, PWT, PCD, PS/PAT, global, bit 62, no-execute)");
}

}  // namespace
}  // namespace vmm
