// Attacks on the page tables: getting at frames that are not the guest's, and getting a table that
// is in use writable.
#include <initializer_list>

#include "hostile/attack.h"

namespace test_guest {
namespace {

constexpr uint64_t kFlags = kPresent | kUser | kAccessed | kDirty;
constexpr uint64_t kWritableFlags = kFlags | kWritable;

uint64_t scratch_address(unsigned number = 0) {
  return address_of(scratch_page(number));
}

EntryPlace scratch_entry(unsigned level) {
  return find_entry(scratch_address(), level);
}

void store(volatile uint64_t* entry, uint64_t value) {
  *entry = value;
}

// Plain stores to tables. A store to an L1 table may be emulated, but only if it is allowed.
void write_live_l1() {
  const EntryPlace place = scratch_entry(1);
  const uint64_t before = *place.entry;
  expect_trap("storing an entry for frame 0 in an L1 table",
              attempt([&] { store(place.entry, 0 * kPageSize | kWritableFlags); }));
  if (*place.entry != before) report_success("the entry has changed");
}

void write_live_l4() {
  const EntryPlace place = scratch_entry(4);
  const uint64_t before = *place.entry;
  expect_trap("storing into the root", attempt([&] { store(place.entry, before | 1u << 9); }));
  expect_trap("clearing an entry of an L2 table",
              attempt([] { store(scratch_entry(2).entry, 0); }));
}

// The monitor's frames and the machine-to-physical table are the first of the machine.
void map_monitor() {
  int64_t last = 0;
  unsigned tried = 0;
  for (uint64_t mfn = 0; pfn_of_mfn(mfn) == kInvalid && mfn < 4096; ++mfn, ++tried) {
    for (const uint64_t flags : {kFlags, kWritableFlags}) {
      const uint64_t value = mfn * kPageSize | flags;
      const int64_t by_address = update_va_mapping(scratch_address(), value);
      const int64_t by_table = mmu_update_one(scratch_entry(1).machine_address, value);
      if (by_address < 0 && by_table < 0) {
        last = by_table;
        continue;
      }
      // The page with shared_info may be mapped; nothing else of the hypervisor's.
      if (mfn * kPageSize != start_info().shared_info) report_success("a hypervisor frame");
    }
  }
  update_va_mapping(scratch_address(),
                    mfn_of_address(scratch_page(0)) * kPageSize | kWritableFlags);
  print("attack map-monitor: ", static_cast<int64_t>(tried), " frames tried: errno ", last);
  const uint64_t beyond = uint64_t{1} << 39;
  expect_error("a frame beyond all memory",
               update_va_mapping(scratch_address(), beyond * kPageSize | kWritableFlags));
}

void map_table_writable() {
  const char* const names[] = {"", "an L1 table", "an L2 table", "an L3 table"};
  for (unsigned level = 1; level <= 3; ++level) {
    const uint64_t mfn = (*scratch_entry(level + 1).entry & kFrameMask) / kPageSize;
    expect_error(names[level],
                 update_va_mapping(scratch_address(), mfn * kPageSize | kWritableFlags));
  }
  expect_error("the root",
               update_va_mapping(scratch_address(), root_mfn() * kPageSize | kWritableFlags));
  const EntryPlace own = find_entry(address_of(const_cast<uint64_t*>(scratch_entry(1).entry)), 1);
  expect_error("its own mapping of an L1 table",
               mmu_update_one(own.machine_address, *own.entry | kWritable));
}

void wrong_level() {
  const uint64_t data = mfn_of_address(scratch_page(1));
  scratch_page(1)[0] = 0x67;  // frame 0, writable
  expect_error("a data page with a bad entry as an L1 table",
               mmuext_one(MMUEXT_PIN_L1_TABLE, data));
  expect_error("the root as an L1 table", mmuext_one(MMUEXT_PIN_L1_TABLE, root_mfn()));
  expect_error(
      "a linear entry that is writable",
      mmu_update_one(root_mfn() * kPageSize + 300 * 8, root_mfn() * kPageSize | kWritableFlags));
  const EntryPlace l2 = scratch_entry(2);
  expect_error("a superpage", mmu_update_one(l2.machine_address, kWritableFlags | kLargePage));
  expect_error("a slot of the hypervisor's", mmu_update_one(root_mfn() * kPageSize + 257 * 8, 0));
}

void wild_frames() {
  const uint64_t frames[] = {0, 1, kInvalid, uint64_t{1} << 40, uint64_t{1} << 28};
  for (const uint64_t mfn : frames) {
    expect_error("pinning a frame of others", mmuext_one(MMUEXT_PIN_L4_TABLE, mfn));
    expect_error("unpinning a frame of others", mmuext_one(MMUEXT_UNPIN_TABLE, mfn));
    expect_error("running on a frame of others", mmuext_one(MMUEXT_NEW_BASEPTR, mfn));
    expect_error("updating an entry of others", mmu_update_one(mfn * kPageSize, 0));
  }
  const uint64_t data = mfn_of_address(scratch_page(2));
  scratch_page(2)[0] = 0x67;
  expect_error("running on a data page", mmuext_one(MMUEXT_NEW_BASEPTR, data));
}

// The root is in use by this very processor: without its pin it is a table all the same.
void unpin_root() {
  const int64_t unpinned = mmuext_one(MMUEXT_UNPIN_TABLE, root_mfn());
  print("attack unpin-root: unpinning it: result ", unpinned);
  expect_error("mapping it writable",
               update_va_mapping(scratch_address(), root_mfn() * kPageSize | kWritableFlags));
  expect_trap("storing into it", attempt([] { store(scratch_entry(4).entry, 0); }));
  expect_error("using it as an L1 table", mmuext_one(MMUEXT_PIN_L1_TABLE, root_mfn()));
  if (unpinned == 0) expect_error("unpinning it again", mmuext_one(MMUEXT_UNPIN_TABLE, root_mfn()));
}

}  // namespace

const Attack kPageTableAttacks[] = {
    {"write-live-l1", write_live_l1, false}, {"write-live-l4", write_live_l4, false},
    {"map-monitor", map_monitor, false},     {"map-table-writable", map_table_writable, false},
    {"wrong-level", wrong_level, false},     {"wild-frames", wild_frames, false},
    {"unpin-root", unpin_root, false},       {nullptr, nullptr, false}};

}  // namespace test_guest
