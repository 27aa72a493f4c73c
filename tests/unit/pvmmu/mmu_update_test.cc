// mmu_update: its commands, its partial progress, and what an update does to references.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class MmuUpdateTest : public DomainTest {
 protected:
  Mfn pinned_l1() {
    const Mfn table = take_frame();
    EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
    counters = MmuCounters{};
    platform.history.clear();
    return table;
  }
};

TEST_F(MmuUpdateTest, EstablishesAndRemovesAnL1Entry) {
  const Mfn table = pinned_l1(), data = take_frame();
  ASSERT_EQ(update(Maddr(table, 40), entry_of(data, kFlagsRw)), 0);
  EXPECT_EQ(done(), 1u);
  EXPECT_EQ(get(table, 5), entry_of(data, kFlagsRw));
  EXPECT_EQ(info(data).type, PageType::kWritable);
  EXPECT_EQ(platform.count(Event::Kind::kChanged), 0u);  // not present -> present
  ASSERT_EQ(update(Maddr(table, 40), 0), 0);
  EXPECT_EQ(get(table, 5), 0u);
  EXPECT_EQ(info(data).type, PageType::kNone);
  EXPECT_EQ(info(data).total_count, 1u);
  EXPECT_EQ(platform.count(Event::Kind::kChanged), 1u);
  EXPECT_EQ(platform.count(Event::Kind::kFlush), 0u);  // L1 changes are the guest's to flush
  EXPECT_EQ(counters.ops_mmu_update, 2u);
  EXPECT_EQ(counters.pte_updates, 2u);
}

TEST_F(MmuUpdateTest, ChangesOfPermissionMoveTheWritableType) {
  const Mfn table = pinned_l1(), data = take_frame();
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRo)), 0);
  EXPECT_EQ(info(data).type_count, 0u);
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRw)), 0);
  EXPECT_EQ(info(data).type_count, 1u);
  EXPECT_EQ(info(data).total_count, 2u);
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRo)), 0);
  EXPECT_EQ(info(data).type_count, 0u);
  EXPECT_EQ(info(data).total_count, 2u);
  EXPECT_EQ(counters.fast_updates, 0u);
}

TEST_F(MmuUpdateTest, ChangesOfOtherFlagsTakeTheFastPath) {
  const Mfn table = pinned_l1(), data = take_frame();
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRw)), 0);
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRw | kPteNoExecute)), 0);
  EXPECT_EQ(counters.fast_updates, 1u);
  EXPECT_EQ(info(data).type_count, 1u);
  EXPECT_EQ(platform.count(Event::Kind::kChanged), 1u);
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRw | kPteNoExecute)), 0);
  EXPECT_EQ(platform.count(Event::Kind::kChanged), 1u);  // nothing changed, nobody is told
}

TEST_F(MmuUpdateTest, TheFastPathStillRefusesBits) {
  const Mfn table = pinned_l1(), data = take_frame();
  ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kFlagsRw)), 0);
  for (const uint64_t bit : {kPtePageSize, kPteCacheDisable, kPteWriteThrough, uint64_t{1} << 62}) {
    EXPECT_REFUSED(update(Maddr(table, 0), entry_of(data, kFlagsRw | bit)), kEINVAL, kEntryBits);
    EXPECT_EQ(get(table, 0), entry_of(data, kFlagsRw));
  }
}

TEST_F(MmuUpdateTest, UserIsForcedOnWhateverTheCommand) {
  const Mfn table = pinned_l1(), data = take_frame();
  for (const unsigned command : kTableCommands) {
    ASSERT_EQ(update(Maddr(table, 0), entry_of(data, kPtePresent | kPteGlobal), command), 0);
    EXPECT_EQ(get(table, 0), entry_of(data, kPtePresent | kPteUser));
    ASSERT_EQ(update(Maddr(table, 0), 0), 0);
  }
}

TEST_F(MmuUpdateTest, NormalReplacesAccessedAndDirtyAndPreserveKeepsThem) {
  const Mfn table = pinned_l1(), data = take_frame();
  const uint64_t clean = entry_of(data, kPtePresent | kPteUser | kPteWritable);
  ASSERT_EQ(update(Maddr(table, 0), clean), 0);
  set(table, 0, get(table, 0) | kPteAccessedDirty);  // the processor
  ASSERT_EQ(update(Maddr(table, 0), clean & ~kPteWritable, MMU_PT_UPDATE_PRESERVE_AD), 0);
  EXPECT_EQ(get(table, 0), (clean & ~kPteWritable) | kPteAccessedDirty);
  ASSERT_EQ(update(Maddr(table, 0), clean, MMU_NORMAL_PT_UPDATE), 0);
  EXPECT_EQ(get(table, 0), clean);
}

TEST_F(MmuUpdateTest, UpdatesUpperLevels) {
  const auto path = build_tables(PtLevel::kL4, kData);
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, path[0]), 0);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(update(Maddr(path[i], 16), entry_of(path[i + 1], kFlagsRw)), 0) << i;
    EXPECT_EQ(info(path[i + 1]).type_count, 2u);
    ASSERT_EQ(update(Maddr(path[i], 16), 0), 0);
    EXPECT_EQ(info(path[i + 1]).type_count, 1u);
  }
  audit_agrees();
}

TEST_F(MmuUpdateTest, LinkingAFreshTablePromotesItAndUnlinkingDemotesIt) {
  const Mfn l2 = take_frame(), l1 = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
  set(l1, 0, entry_of(kData, kFlagsRw));
  const uint32_t uses = info(kData).type_count;
  ASSERT_EQ(update(Maddr(l2, 0), entry_of(l1, kFlagsRw)), 0);
  EXPECT_EQ(info(l1).type, PageType::kL1);
  EXPECT_EQ(info(kData).type_count, uses + 1);
  ASSERT_EQ(update(Maddr(l2, 0), 0), 0);
  EXPECT_EQ(info(l1).type, PageType::kNone);
  EXPECT_EQ(info(kData).type_count, uses);
}

TEST_F(MmuUpdateTest, AnArrayStopsAtTheRefusedRequestAndKeepsWhatCameBefore) {
  const Mfn table = pinned_l1(), data = take_frame();
  std::vector<::mmu_update> requests;
  for (unsigned i = 0; i < 10; ++i) {
    requests.push_back({Maddr(table, i * 8).raw(), entry_of(data, kFlagsRo)});
  }
  requests[6].val = entry_of(Mfn(2), kFlagsRo);
  EXPECT_REFUSED(update(requests), kEBUSY, kEntryBits);
  EXPECT_EQ(done(), 6u);
  EXPECT_EQ(refusal.request, 6u);
  EXPECT_EQ(refusal.slot, 6u);
  EXPECT_EQ(refusal.level, 1u);
  for (unsigned i = 0; i < 10; ++i) EXPECT_EQ(get(table, i) != 0, i < 6);
  EXPECT_EQ(counters.ops_mmu_update, 6u);
  EXPECT_EQ(counters.refusals, 1u);
  EXPECT_EQ(counters.refusals_by_errno[errno_number(Errno::kEBUSY)], 1u);
  EXPECT_EQ(counters.refusals_by_rule[static_cast<unsigned>(Rule::kEntryBits)], 1u);
  audit_agrees();
}

// The law behind `done`: an array is the same as its requests one by one up to the first refusal.
TEST_F(MmuUpdateTest, BatchedIsUnbatched) {
  const Mfn batched = pinned_l1(), single = pinned_l1();
  std::vector<uint64_t> values;
  for (unsigned i = 0; i < 300; ++i) {
    const Mfn target(16 + (i * 37) % 230);
    values.push_back(i % 3 == 0 ? 0 : entry_of(target, i % 2 ? kFlagsRw : kFlagsRo));
  }
  std::vector<::mmu_update> requests;
  for (unsigned i = 0; i < values.size(); ++i) {
    requests.push_back({Maddr(batched, (i % 100) * 8).raw(), values[i]});
  }
  const int64_t result = update(requests);
  const uint32_t batched_done = done();
  int64_t single_result = 0;
  uint32_t single_done = 0;
  for (unsigned i = 0; i < values.size() && single_result == 0; ++i) {
    single_result = update(Maddr(single, (i % 100) * 8), values[i]);
    single_done += single_result == 0;
  }
  EXPECT_EQ(result, single_result);
  EXPECT_EQ(batched_done, single_done);
  for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(get(batched, i), get(single, i));
}

TEST_F(MmuUpdateTest, OrdinaryMemoryIsWrittenAsItIs) {
  const Mfn none = take_frame();
  for (const Mfn frame : {none, kData, kShared}) {
    const uint32_t uses = info(frame).type_count;
    ASSERT_EQ(update(Maddr(frame, 0xff8), 0x1122334455667788), 0);
    EXPECT_EQ(get(frame, 511), 0x1122334455667788u);
    EXPECT_EQ(info(frame).type_count, uses);
  }
  EXPECT_EQ(counters.plain_writes, 3u);
  EXPECT_EQ(counters.pte_updates, 0u);
}

TEST_F(MmuUpdateTest, HypervisorSlotsAreRefused) {
  for (const unsigned slot : {256u, 257u, 264u, 271u}) {
    for (const uint64_t value : {uint64_t{0}, entry_of(kData, kFlagsRo), ~uint64_t{0}}) {
      EXPECT_REFUSED(update(Maddr(root(), slot * 8), value), kEINVAL, kEntryBits);
      EXPECT_EQ(refusal.slot, slot);
    }
  }
  EXPECT_EQ(update(Maddr(root(), 272 * 8), 0), 0);
  EXPECT_EQ(update(Maddr(root(), 255 * 8), 0), 0);
}

TEST_F(MmuUpdateTest, MachphysUpdatesFramesOfTheDomainOnly) {
  ASSERT_EQ(update(Maddr(kData, 0), 1234, MMU_MACHPHYS_UPDATE), 0);
  EXPECT_EQ(platform.m2p[kData.raw()], Pfn(1234));
  EXPECT_REFUSED(update(Maddr(Mfn(2), 0), 1, MMU_MACHPHYS_UPDATE), kEINVAL, kEntryTarget);
  EXPECT_REFUSED(update(Maddr(Mfn(1 << 30), 0), 1, MMU_MACHPHYS_UPDATE), kEINVAL, kEntryTarget);
}

TEST_F(MmuUpdateTest, UnknownCommandsAndMisalignedEntries) {
  for (unsigned command = 4; command < 8; ++command) {
    EXPECT_REFUSED(update(Maddr(kData, 0), 1, command), kENOSYS, kAnyInput);
  }
}

TEST_F(MmuUpdateTest, ForeignDomains) {
  const std::vector<::mmu_update> request = {{Maddr(kData, 0).raw(), 5}};
  EXPECT_EQ(update(request, DOMID_SELF), 0);
  EXPECT_EQ(update(request, 1), 0);                        // its own number
  EXPECT_EQ(update(request, (2u << 16) | DOMID_SELF), 0);  // and as the owner of the tables
  EXPECT_REFUSED(update(request, 0), kESRCH, kAnyInput);
  EXPECT_REFUSED(update(request, 2), kESRCH, kAnyInput);
  EXPECT_REFUSED(update(request, DOMID_IO), kEPERM, kAnyInput);
  EXPECT_REFUSED(update(request, DOMID_XEN), kEPERM, kAnyInput);
  EXPECT_REFUSED(update(request, (9u << 16) | DOMID_SELF), kESRCH, kAnyInput);
}

TEST_F(MmuUpdateTest, NoRequestsIsFine) {
  platform.bytes(Maddr(kDone, 0))[0] = 0xee;
  EXPECT_EQ(update(std::vector<::mmu_update>{}), 0);
  EXPECT_EQ(done(), 0u);
}

TEST_F(MmuUpdateTest, ADonePointerThatCannotBeWrittenIsCounted) {
  const Mfn table = pinned_l1();
  ::mmu_update request{Maddr(table, 0).raw(), 0};
  std::memcpy(platform.bytes(Maddr(kRequests, 0)), &request, sizeof request);
  // Read-only, unmapped, a page table, the hypervisor's, non-canonical.
  for (const LinearAddr bad : {address_of(Mfn(200)), LinearAddr(8), address_of(root()),
                               LinearAddr(0xffff800000000000), LinearAddr(0x800000000000)}) {
    EXPECT_EQ(mmu.mmu_update(call, address_of(kRequests), 1, bad, DOMID_SELF), 0);
  }
  EXPECT_EQ(counters.done_faults, 5u);
  EXPECT_EQ(mmu.mmu_update(call, address_of(kRequests), 1, LinearAddr(0), DOMID_SELF), 0);
  EXPECT_EQ(counters.done_faults, 5u);
}

TEST_F(MmuUpdateTest, RequestsThatEndAtAnUnmappedPage) {
  // Unmap the page after the first one of the array, then let the array run into it.
  ASSERT_EQ(update(mapping_of(kRequests + 1), 0), 0);
  std::vector<::mmu_update> requests(256, {Maddr(kData, 0).raw(), 7});
  std::memcpy(platform.bytes(Maddr(kRequests, 0)), requests.data(), kPageSize);
  EXPECT_REFUSED(
      mmu.mmu_update(call, address_of(kRequests), 0xffffffff, address_of(kDone), DOMID_SELF),
      kEFAULT, kAnyInput);
  EXPECT_EQ(done(), 256u);
  EXPECT_EQ(refusal.address, address_of(kRequests + 1));
}

TEST_F(MmuUpdateTest, ARequestAcrossAPageBoundary) {
  const Mfn table = pinned_l1();
  const ::mmu_update requests[2] = {{Maddr(table, 0).raw(), 2}, {Maddr(table, 8).raw(), 4}};
  const uint64_t at = kPageSize - 24;  // the second one is cut in the middle
  std::memcpy(platform.bytes(Maddr(kRequests, at)), requests, 24);
  std::memcpy(platform.bytes(Maddr(kRequests + 1, 0)), reinterpret_cast<const char*>(requests) + 24,
              8);
  EXPECT_EQ(mmu.mmu_update(call, address_of(kRequests) + at, 2, address_of(kDone), DOMID_SELF), 0);
  EXPECT_EQ(get(table, 0), 2u);
  EXPECT_EQ(get(table, 1), 4u);
}

// The array is read as if each request were copied at its turn, even if an earlier one writes it...
TEST_F(MmuUpdateTest, ARequestMayWriteALaterOne) {
  const Mfn table = pinned_l1();
  // Request 0 rewrites the value of request 1.
  ASSERT_EQ(update({{Maddr(kRequests, 24).raw(), 0x20}, {Maddr(table, 0).raw(), 0x10}}), 0);
  EXPECT_EQ(get(table, 0), 0x20u);
}

// ... or moves the array elsewhere.
TEST_F(MmuUpdateTest, ARequestMayRemapTheArray) {
  const Mfn table = pinned_l1();
  const ::mmu_update second{Maddr(table, 8).raw(), 0x40};
  std::memcpy(platform.bytes(Maddr(kData, 16)), &second, sizeof second);
  ASSERT_EQ(update({{mapping_of(kRequests).raw(), entry_of(kData, kFlagsRw)},
                    {Maddr(table, 0).raw(), 0x10}}),
            0);
  EXPECT_EQ(get(table, 0), 0u);
  EXPECT_EQ(get(table, 1), 0x40u);
}

TEST_F(MmuUpdateTest, ARequestMayUnmapTheArray) {
  const Mfn table = pinned_l1();
  EXPECT_REFUSED(update({{mapping_of(kRequests).raw(), 0}, {Maddr(table, 0).raw(), 0x10}}), kEFAULT,
                 kAnyInput);
  EXPECT_EQ(done(), 1u);
  EXPECT_EQ(get(table, 0), 0u);
}

TEST_F(MmuUpdateTest, AnUpperLevelChangeMayUnmapTheArray) {
  EXPECT_REFUSED(update({{Maddr(root(), 0).raw(), 0}, {Maddr(kData, 0).raw(), 0x10}}), kEFAULT,
                 kAnyInput);
  EXPECT_EQ(counters.ops_mmu_update, 1u);
  EXPECT_EQ(get(kData, 0), 0u);
}

TEST_F(MmuUpdateTest, ReplacingAnEntryThatKeepsTheTableAlive) {
  // The L2 entry is the only user of l1; writing it anew must not tear l1 down in between.
  const Mfn l2 = take_frame(), l1 = take_frame();
  set(l2, 0, entry_of(l1, kFlagsRo));
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
  const uint64_t promotions = counters.promotions;
  ASSERT_EQ(update(Maddr(l2, 0), entry_of(l1, kFlagsRw)), 0);
  EXPECT_EQ(counters.promotions, promotions);
  EXPECT_EQ(info(l1).type_count, 1u);
}

}  // namespace
}  // namespace pvmmu::testing
