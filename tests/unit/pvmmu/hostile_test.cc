// A guest that means harm: whole attacks, and random calls with an audit after each.
#include <random>

#include "test_domain.h"

namespace pvmmu::testing {
namespace {

using HostileTest = DomainTest;

TEST_F(HostileTest, WildArrays) {
  for (const uint64_t at :
       {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, ~uint64_t{0} - 15, uint64_t{0x7ffffffffff0},
        uint64_t{0x800000000000}, uint64_t{0xffff800000000000}, uint64_t{0xfffffffffffffff0}}) {
    for (const uint32_t count : {1u, 2u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
      EXPECT_EQ(mmu.mmu_update(call, LinearAddr(at), count, LinearAddr(at), DOMID_SELF), -14);
      EXPECT_EQ(mmu.mmuext_op(call, LinearAddr(at), count, LinearAddr(at), DOMID_SELF), -14);
    }
  }
}

// The last request that fits ends where the address space does; the next is not the one at 0.
TEST_F(HostileTest, AnArrayThatWrapsRound) {
  const auto path = build_tables(PtLevel::kL3, kRequests);
  for (const Mfn table : path) {
    set(table, 511, get(table, 0));
    set(table, 0, 0);
  }
  ASSERT_EQ(update(Maddr(root(), 511 * 8), entry_of(path[0], kFlagsRo)), 0);
  set(kRequests, 510, Maddr(kData, 0).raw());
  set(kRequests, 511, 7);
  const LinearAddr last_update(~uint64_t{0} - (sizeof(::mmu_update) - 1));
  EXPECT_REFUSED(mmu.mmu_update(call, last_update, 2, address_of(kDone), DOMID_SELF), kEFAULT,
                 kAnyInput);
  EXPECT_EQ(refusal.request, 1u);
  EXPECT_EQ(done(), 1u);
  EXPECT_EQ(get(kData, 0), 7u);
  set(kDone, 0, 0);
  const ::mmuext_op flush = operation(MMUEXT_TLB_FLUSH_LOCAL, 0);
  std::memcpy(platform.bytes(Maddr(kRequests, kPageSize - sizeof flush)), &flush, sizeof flush);
  const LinearAddr last_operation(~uint64_t{0} - (sizeof flush - 1));
  EXPECT_REFUSED(mmu.mmuext_op(call, last_operation, 2, address_of(kDone), DOMID_SELF), kEFAULT,
                 kAnyInput);
  EXPECT_EQ(refusal.request, 1u);
  EXPECT_EQ(done(), 1u);
}

TEST_F(HostileTest, WildEntryAddresses) {
  for (const uint64_t ptr : {uint64_t{0}, ~uint64_t{7}, uint64_t{kFrames} << 12, uint64_t{1} << 52,
                             uint64_t{2} << 12, uint64_t{1} << 63}) {
    for (unsigned command = 0; command < 8; ++command) {
      EXPECT_LT(update({{ptr | command, ~uint64_t{0}}}), 0);
    }
  }
}

// However long an array is, the call comes back as often as the platform wants, and goes on.
TEST_F(HostileTest, AnArrayWithoutEndIsDoneInPieces) {
  // One page of harmless requests, mapped over and over: 2 GiB of them through aliases would do.
  const Mfn l2 = take_frame(), l1 = take_frame(), l3 = take_frame();
  for (unsigned i = 0; i < 512; ++i) set(l1, i, entry_of(kRequests, kFlagsRo));
  for (unsigned i = 0; i < 512; ++i) set(l2, i, entry_of(l1, kFlagsRo));
  set(l3, 0, entry_of(l2, kFlagsRo));
  ASSERT_EQ(update(Maddr(root(), 8), entry_of(l3, kFlagsRo)), 0);
  std::vector<::mmu_update> requests(256, {Maddr(kData, 0).raw(), 7});
  std::memcpy(platform.bytes(Maddr(kRequests, 0)), requests.data(), kPageSize);
  platform.allow = [](bool, uint64_t steps) { return steps == 1 ? 999u : 0u; };
  const uint64_t before = counters.ops_mmu_update;
  for (unsigned piece = 1; piece <= 100; ++piece) {
    ASSERT_EQ(mmu.mmu_update(call, LinearAddr(uint64_t{1} << 39), 0xffffffff, address_of(kDone),
                             DOMID_SELF),
              kPreempted);
    ASSERT_EQ(counters.ops_mmu_update - before, piece * 1000u);
  }
  EXPECT_EQ(done(), 1u);  // of the update before: nothing is reported until the end
}

// Get a writable view of a table in two steps: map it writable first, then make it a table.
TEST_F(HostileTest, MapWritableThenPin) {
  const Mfn victim = take_frame();
  ASSERT_EQ(update(mapping_of(victim), entry_of(victim, kFlagsRw)), 0);
  EXPECT_NE(ext(MMUEXT_PIN_L1_TABLE, victim), 0);
  const Mfn l2 = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
  EXPECT_NE(update(Maddr(l2, 0), entry_of(victim, kFlagsRw)), 0);
  EXPECT_EQ(get(l2, 0), 0u);
}

// A table whose own entries map, writable, another table that the same promotion creates.
TEST_F(HostileTest, PromotionThatWouldMapItsOwnChildWritable) {
  const Mfn l1 = take_frame(), evil = take_frame(), l2 = take_frame();
  set(evil, 0, entry_of(l1, kFlagsRw));
  set(l2, 0, entry_of(l1, kFlagsRw));
  set(l2, 1, entry_of(evil, kFlagsRw));
  EXPECT_REFUSED(ext(MMUEXT_PIN_L2_TABLE, l2), kEBUSY, kNoWritableTable);
  // And in the other order: the writable mapping first.
  set(l2, 0, entry_of(evil, kFlagsRw));
  set(l2, 1, entry_of(l1, kFlagsRw));
  EXPECT_REFUSED(ext(MMUEXT_PIN_L2_TABLE, l2), kEINVAL, kOneType);
  for (const Mfn frame : {l1, evil, l2}) EXPECT_EQ(info(frame).total_count, 1u);
}

TEST_F(HostileTest, UnpinAndSwitchAwayTearsDownOnce) {
  const auto path = build_tables(PtLevel::kL4, kData);
  set(path[0], 0, get(root(), 0));
  ASSERT_EQ(ext({operation(MMUEXT_PIN_L4_TABLE, path[0].raw()),
                 operation(MMUEXT_NEW_BASEPTR, path[0].raw()),
                 operation(MMUEXT_NEW_USER_BASEPTR, path[0].raw()),
                 operation(MMUEXT_UNPIN_TABLE, path[0].raw())}),
            0);
  EXPECT_EQ(info(path[0]).type_count, 2u);
  EXPECT_REFUSED(ext(MMUEXT_UNPIN_TABLE, path[0]), kEINVAL, kOneType);
  // Its frame cannot be mapped writable while it is loaded.
  EXPECT_REFUSED(update(mapping_of(path[0]), entry_of(path[0], kFlagsRw)), kEBUSY,
                 kNoWritableTable);
  ASSERT_EQ(
      ext({operation(MMUEXT_NEW_USER_BASEPTR, 0), operation(MMUEXT_NEW_BASEPTR, root().raw())}), 0);
  EXPECT_EQ(info(path[0]).type, PageType::kNone);
}

// Clearing the only way to the root's own tables must not free what is loaded.
TEST_F(HostileTest, UnmapEverythingUnderOnesFeet) {
  ASSERT_EQ(update(Maddr(root(), 0), 0), 0);
  EXPECT_EQ(counters.done_faults, 1u);
  EXPECT_EQ(info(root()).type, PageType::kL4);
  EXPECT_EQ(counters.demotions, 3u);
  EXPECT_EQ(mmu.mmu_update(call, address_of(kRequests), 1, LinearAddr(0), DOMID_SELF), -14);
  audit_agrees();
}

// Random calls on a few frames that are constantly made into tables of all levels, mapped, linked
// and torn down. After each the recount must agree. The seed is fixed so that a failure repeats.
class RandomCalls : public DomainTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  // A different seed, same length for each parameter.
  std::mt19937_64 random{GetParam()};
  uint64_t below(uint64_t limit) { return random() % limit; }
  // Mostly the ten frames; now and then one of the hypervisor's, an ordinary one, or none at all.
  // Never one that the domain needs to make calls, or the run would soon do nothing.
  Mfn any_frame() {
    static constexpr uint64_t kOthers[] = {0, 3, 15, 40, 41, 42, kFrames, kFrames + 1};
    return Mfn(below(20) == 0 ? kOthers[below(8)] : 100 + below(10));
  }
  uint64_t any_entry() {
    if (below(4) == 0) return 0;
    uint64_t flags = below(3) == 0 ? kFlagsRo : kFlagsRw;
    if (below(25) == 0) flags ^= uint64_t{1} << below(64);
    return entry_of(any_frame(), flags);
  }
  Maddr any_place() {
    const uint64_t slot = below(10) == 0 ? 250 + below(30) : below(4);
    return Maddr(any_frame(), slot * 8);
  }
  void step();
};

void RandomCalls::step() {
  switch (below(12)) {
    case 0:
      ext(static_cast<unsigned>(MMUEXT_PIN_L1_TABLE + below(4)), any_frame());
      break;
    case 1:
      ext(MMUEXT_UNPIN_TABLE, any_frame());
      break;
    case 2:
      ext(below(2) ? MMUEXT_NEW_USER_BASEPTR : MMUEXT_CLEAR_PAGE, any_frame());
      break;
    case 3:
      mmu.update_va_mapping(call, address_of(any_frame()), any_entry(), below(8));
      break;
    case 8:
    case 9: {  // back to a read-only map and an empty frame, or soon nothing could become a table
      const Mfn frame(100 + below(10));
      mmu.update_va_mapping(call, address_of(frame), entry_of(frame, kFlagsRo), 0);
      ext(MMUEXT_CLEAR_PAGE, frame);
      break;
    }
    case 4: {
      const WriteOperation operation{static_cast<WriteOperation::Kind>(below(7)), 1u << below(4),
                                     any_entry(), any_entry()};
      mmu.emulate_write(call, root(), address_of(any_frame()) + below(32), operation);
      break;
    }
    default: {
      std::vector<::mmu_update> requests;
      for (uint64_t i = 1 + below(4); i != 0; --i) {
        requests.push_back(
            {any_place().raw() | (below(30) == 0 ? below(8) : below(2) * 2), any_entry()});
      }
      update(requests);
    }
  }
  platform.history.clear();
}

TEST_P(RandomCalls, TheRecountAgreesAfterEach) {
  unsigned same_level_steps = 0;
  for (unsigned i = 0; i < 10000; ++i) {
    step();
    for (const PageInfo& page : frame_table) same_level_steps += page.linear_count != 0;
    CollectingSink sink;
    ASSERT_TRUE(mmu.audit(sink)) << "seed " << GetParam() << " step " << i << "\n" << sink.text;
  }
  // The run must have reached what it is for.
  EXPECT_GT(counters.promotions, 150u);
  EXPECT_GT(counters.demotions, 150u);
  EXPECT_GT(counters.emulated_writes, 10u);
  EXPECT_GT(same_level_steps, 10u);
  EXPECT_GT(counters.refusals, 100u);
  EXPECT_GT(counters.pte_updates, 100u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomCalls, ::testing::Values(1u, 2u, 3u, 4u));

}  // namespace
}  // namespace pvmmu::testing
