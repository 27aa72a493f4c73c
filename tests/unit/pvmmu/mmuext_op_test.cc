// mmuext_op: every operation, its errors, and partial progress.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

using MmuextOpTest = DomainTest;

TEST_F(MmuextOpTest, PinErrors) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE, table), kEINVAL, kOneType);  // twice
  EXPECT_REFUSED(ext(MMUEXT_PIN_L2_TABLE, table), kEINVAL, kOneType);  // as something else
  EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE, Mfn(2)), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE, Mfn(kFrames)), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(ext(MMUEXT_PIN_L4_TABLE, kInvalidMfn), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(ext(MMUEXT_PIN_L1_TABLE, kShared), kEINVAL, kOneType);
  EXPECT_EQ(info(table).type_count, 1u);
  EXPECT_EQ(counters.pins, 1u);
}

TEST_F(MmuextOpTest, UnpinErrors) {
  EXPECT_REFUSED(ext(MMUEXT_UNPIN_TABLE, kData), kEINVAL, kOneType);
  EXPECT_REFUSED(ext(MMUEXT_UNPIN_TABLE, Mfn(0)), kEINVAL, kOneType);
  EXPECT_REFUSED(ext(MMUEXT_UNPIN_TABLE, kInvalidMfn), kEINVAL, kOneType);
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, table), 0);
  EXPECT_REFUSED(ext(MMUEXT_UNPIN_TABLE, table), kEINVAL, kOneType);
}

TEST_F(MmuextOpTest, AnUnpinnedTableInUseStays) {
  ASSERT_EQ(ext(MMUEXT_UNPIN_TABLE, root()), 0);  // while it is loaded
  EXPECT_EQ(info(root()).type, PageType::kL4);
  EXPECT_EQ(info(root()).type_count, 1u);
  audit_agrees();
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, root()), 0);
}

TEST_F(MmuextOpTest, NewBasePointer) {
  const auto path = build_tables(PtLevel::kL4, kData);
  set(path[0], 0, get(root(), 0));  // the domain's own mappings, so that arguments can be read
  ASSERT_EQ(ext(MMUEXT_NEW_BASEPTR, path[0]), 0);  // not pinned: promoted by the load
  EXPECT_EQ(mmu.kernel_base_pointer(VcpuId{0}), path[0]);
  EXPECT_EQ(info(path[0]).type_count, 1u);
  EXPECT_EQ(info(root()).type_count, 1u);          // the pin
  ASSERT_EQ(ext(MMUEXT_NEW_BASEPTR, path[0]), 0);  // again: not torn down in between
  EXPECT_EQ(counters.demotions, 0u);
  ASSERT_EQ(ext(MMUEXT_NEW_BASEPTR, root()), 0);
  EXPECT_EQ(info(path[0]).type, PageType::kNone);
  EXPECT_REFUSED(ext(MMUEXT_NEW_BASEPTR, kData), kEINVAL, kOneType);
  EXPECT_REFUSED(ext(MMUEXT_NEW_BASEPTR, Mfn(0)), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(ext(MMUEXT_NEW_BASEPTR, kInvalidMfn), kEINVAL, kEntryTarget);
  EXPECT_EQ(mmu.kernel_base_pointer(VcpuId{0}), root());
}

TEST_F(MmuextOpTest, NewUserBasePointer) {
  const auto path = build_tables(PtLevel::kL4, kData);
  ASSERT_EQ(ext(MMUEXT_NEW_USER_BASEPTR, path[0]), 0);
  EXPECT_EQ(mmu.user_base_pointer(VcpuId{0}), path[0]);
  EXPECT_EQ(get(path[0], 256), FakePlatform::kHypervisorEntry);
  audit_agrees();
  EXPECT_REFUSED(ext(MMUEXT_NEW_USER_BASEPTR, kData), kEINVAL, kOneType);
  EXPECT_EQ(mmu.user_base_pointer(VcpuId{0}), path[0]);
  ASSERT_EQ(ext(MMUEXT_NEW_USER_BASEPTR, Mfn(0)), 0);
  EXPECT_EQ(mmu.user_base_pointer(VcpuId{0}), kInvalidMfn);
  EXPECT_EQ(info(path[0]).type, PageType::kNone);
}

TEST_F(MmuextOpTest, OperationsAfterABasePointerLoadAreReadThroughTheNewTables) {
  const auto path = build_tables(PtLevel::kL4, kData);  // maps the array nowhere
  EXPECT_REFUSED(
      ext({operation(MMUEXT_NEW_BASEPTR, path[0].raw()), operation(MMUEXT_TLB_FLUSH_LOCAL, 0)}),
      kEFAULT, kAnyInput);
  EXPECT_EQ(refusal.request, 1u);
  EXPECT_EQ(counters.ops_mmuext, 1u);
  EXPECT_EQ(counters.done_faults, 1u);
}

TEST_F(MmuextOpTest, Flushes) {
  const uint64_t bitmap = 0xf0f0f0f0f0f0f0f2;  // vCPUs that do not exist are ignored
  set(kBitmap, 0, bitmap);
  const uint64_t at = address_of(kBitmap).raw();
  ASSERT_EQ(ext({operation(MMUEXT_TLB_FLUSH_LOCAL, 0), operation(MMUEXT_TLB_FLUSH_ALL, 0),
                 operation(MMUEXT_TLB_FLUSH_MULTI, 0, at), operation(MMUEXT_INVLPG_LOCAL, 0x5000),
                 operation(MMUEXT_INVLPG_ALL, 0x6000), operation(MMUEXT_INVLPG_MULTI, 0x7000, at)}),
            0);
  std::vector<std::tuple<VcpuMask, bool, uint64_t>> flushes;
  for (const Event& event : platform.history) {
    if (event.kind != Event::Kind::kFlush) continue;
    flushes.emplace_back(event.vcpus, event.flush.all, event.flush.address.raw());
  }
  const std::vector<std::tuple<VcpuMask, bool, uint64_t>> wanted = {
      {1, true, 0},       {3, true, 0},       {2, true, 0},
      {1, false, 0x5000}, {3, false, 0x6000}, {2, false, 0x7000}};
  EXPECT_EQ(flushes, wanted);
  EXPECT_EQ(counters.tlb_flush_all, 3u);
  EXPECT_EQ(counters.tlb_flush_single, 3u);
}

TEST_F(MmuextOpTest, FlushArgumentsThatAreNoGood) {
  EXPECT_REFUSED(ext({operation(MMUEXT_TLB_FLUSH_MULTI, 0, 0)}), kEINVAL, kAnyInput);
  EXPECT_REFUSED(ext({operation(MMUEXT_INVLPG_MULTI, 0, 0x800000000000)}), kEINVAL, kAnyInput);
  ASSERT_EQ(ext({operation(MMUEXT_INVLPG_LOCAL, 0x800000000000)}), 0);  // as Xen: no effect
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);
}

TEST_F(MmuextOpTest, ClearAndCopy) {
  const Mfn from = take_frame(), to = take_frame();
  for (unsigned i = 0; i < 512; ++i) set(from, i, i + 1);
  ASSERT_EQ(ext({operation(MMUEXT_COPY_PAGE, to.raw(), from.raw())}), 0);
  for (unsigned i = 0; i < 512; ++i) ASSERT_EQ(get(to, i), i + 1);
  ASSERT_EQ(ext(MMUEXT_CLEAR_PAGE, from), 0);
  for (unsigned i = 0; i < 512; ++i) ASSERT_EQ(get(from, i), 0u);
  EXPECT_EQ(info(to).type, PageType::kNone);
  EXPECT_REFUSED(ext(MMUEXT_CLEAR_PAGE, root()), kEINVAL, kOneType);
  EXPECT_REFUSED(ext({operation(MMUEXT_COPY_PAGE, root().raw(), to.raw())}), kEINVAL, kOneType);
  EXPECT_REFUSED(ext({operation(MMUEXT_COPY_PAGE, to.raw(), 3)}), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(ext({operation(MMUEXT_COPY_PAGE, 3, to.raw())}), kEINVAL, kEntryTarget);
  EXPECT_EQ(ext({operation(MMUEXT_COPY_PAGE, to.raw(), root().raw())}), 0);  // tables may be read
  EXPECT_EQ(ext({operation(MMUEXT_COPY_PAGE, to.raw(), to.raw())}), 0);
}

TEST_F(MmuextOpTest, WhatIsNotOffered) {
  EXPECT_EQ(ext({operation(MMUEXT_SET_LDT, 0, 0)}), 0);
  EXPECT_REFUSED(ext({operation(MMUEXT_SET_LDT, 0x1000, 4)}), kENOSYS, kAnyInput);
  EXPECT_REFUSED(ext({operation(MMUEXT_SET_LDT, 0x1001, 4)}), kEINVAL, kAnyInput);
  EXPECT_REFUSED(ext({operation(MMUEXT_SET_LDT, 0x1000, 9000)}), kEINVAL, kAnyInput);
  EXPECT_REFUSED(ext(MMUEXT_MARK_SUPER, kData), kEOPNOTSUPP, kAnyInput);
  EXPECT_REFUSED(ext(MMUEXT_UNMARK_SUPER, kData), kEOPNOTSUPP, kAnyInput);
  EXPECT_REFUSED(ext(MMUEXT_FLUSH_CACHE, kData), kEACCES, kAnyInput);
  EXPECT_REFUSED(ext(MMUEXT_FLUSH_CACHE_GLOBAL, kData), kEINVAL, kAnyInput);
  for (const unsigned command : {14u, 21u, 1000u, 0xffffffffu}) {
    EXPECT_REFUSED(ext(command, kData), kENOSYS, kAnyInput);
  }
}

TEST_F(MmuextOpTest, PartialProgressAndForeignDomains) {
  const Mfn a = take_frame(), b = take_frame();
  EXPECT_REFUSED(
      ext({operation(MMUEXT_PIN_L1_TABLE, a.raw()), operation(MMUEXT_PIN_L1_TABLE, kData.raw()),
           operation(MMUEXT_PIN_L1_TABLE, b.raw())}),
      kEINVAL, kOneType);
  EXPECT_EQ(done(), 1u);
  EXPECT_TRUE(info(a).pinned);
  EXPECT_FALSE(info(b).pinned);
  EXPECT_EQ(ext({operation(MMUEXT_PIN_L1_TABLE, b.raw())}, 1), 0);
  EXPECT_REFUSED(ext({operation(MMUEXT_UNPIN_TABLE, b.raw())}, 7), kESRCH, kAnyInput);
  EXPECT_REFUSED(ext({operation(MMUEXT_UNPIN_TABLE, b.raw())}, DOMID_IO), kEPERM, kAnyInput);
}

TEST_F(MmuextOpTest, ASecondVcpuHasItsOwnBasePointers) {
  ASSERT_EQ(mmu.set_initial_base_pointer(VcpuId{1}, root()), 0);
  EXPECT_EQ(info(root()).type_count, 3u);
  audit_agrees();
  Refusal why;
  EXPECT_EQ(mmu.set_initial_base_pointer(VcpuId{1}, root(), kData, &why), -22);
  EXPECT_EQ(why.rule, Rule::kOneType);
  EXPECT_EQ(mmu.kernel_base_pointer(VcpuId{1}), root());
  EXPECT_EQ(info(root()).type_count, 3u);
  mmu.drop_base_pointers(VcpuId{1});
  EXPECT_EQ(info(root()).type_count, 2u);
}

TEST_F(MmuextOpTest, ARefusedInitialPinSaysWhy) {
  Refusal why;
  EXPECT_EQ(mmu.pin_initial(PtLevel::kL1, kData, &why), -22);
  EXPECT_EQ(why.rule, Rule::kOneType);
  EXPECT_STREQ(why.operation, "pin_initial");
  EXPECT_EQ(mmu.pin_initial(PtLevel::kL4, Mfn(2)), -22);
  EXPECT_EQ(mmu.own_counters().refusals, 2u);
  EXPECT_FALSE(info(kData).pinned);
}

// More vCPUs than there can be: those that there can be are served.
TEST_F(MmuextOpTest, AtMostSoManyVcpus) {
  std::vector<PageInfo> frames(kFrames);
  Mmu many(platform, frames, 1000);
  CollectingSink sink;
  EXPECT_TRUE(many.audit(sink)) << sink.text;
  EXPECT_EQ(many.find_users(Mfn(20), {}), 0u);
}

}  // namespace
}  // namespace pvmmu::testing
