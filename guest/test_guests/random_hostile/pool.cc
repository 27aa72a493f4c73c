#include "random_hostile/pool.h"

#include "runtime/memory.h"

namespace random_hostile {
namespace {

using test_guest::kPageSize;

constexpr uint64_t kWindowSize = kFrameCount * kPageSize;
constexpr unsigned kRemembered = 32, kForeignFrames = 64;
constexpr uint64_t kLastForeign = 4096;  // they are among the machine's first frames

alignas(kPageSize) uint8_t space[2 * kWindowSize];  // somewhere in it begins a table's reach
alignas(kPageSize) uint8_t roots[kRootCount][kPageSize];

struct Places {
  uint64_t window = 0;
  uint64_t frame_mfns[kFrameCount] = {};
  uint64_t root_mfns[kRootCount] = {};
  unsigned boot_table_count = 0;
  uint64_t boot_table_mfns[kBootTableLimit] = {};
  unsigned foreign_count = 0;
  uint64_t foreign_mfns[kForeignFrames] = {};
  uint64_t window_table_address = 0;
  uint64_t window_table_mfn = 0;
  uint64_t window_l2_place = 0;
} places;

// Both vCPUs write here without a lock: any frame in the pool is a good answer.
volatile uint16_t remembered[4][kRemembered];

void find_boot_tables() {
  const auto& info = test_guest::start_info();
  const uint64_t count = info.nr_pt_frames < kBootTableLimit ? info.nr_pt_frames : kBootTableLimit;
  places.boot_table_count = static_cast<unsigned>(count);
  for (unsigned i = 0; i < places.boot_table_count; ++i) {
    places.boot_table_mfns[i] =
        test_guest::mfn_of_address(reinterpret_cast<const void*>(info.pt_base + i * kPageSize));
  }
}

void find_foreign_frames() {
  for (uint64_t mfn = 0; mfn < kLastForeign && places.foreign_count < kForeignFrames; ++mfn) {
    if (test_guest::pfn_of_mfn(mfn) != test_guest::kInvalid) continue;
    places.foreign_mfns[places.foreign_count++] = mfn;
  }
}

void find_window() {
  const auto start = reinterpret_cast<uint64_t>(space);
  places.window = (start + kWindowSize - 1) & ~(kWindowSize - 1);
  for (unsigned i = 0; i < kFrameCount; ++i) {
    places.frame_mfns[i] =
        test_guest::mfn_of_address(reinterpret_cast<const void*>(frame_address(i)));
  }
  const test_guest::EntryPlace first = test_guest::find_entry(places.window, 1);
  places.window_table_address = reinterpret_cast<uint64_t>(first.entry);
  places.window_table_mfn = first.machine_address / kPageSize;
  places.window_l2_place = test_guest::find_entry(places.window, 2).machine_address;
}

// Entry 511, and no other: the rest is filled when a root is built.
void prepare_roots() {
  const uint64_t kernel = *test_guest::find_entry(test_guest::kVirtualBase, 4).entry;
  for (unsigned i = 0; i < kRootCount; ++i) {
    places.root_mfns[i] = test_guest::mfn_of_address(roots[i]);
    reinterpret_cast<uint64_t*>(roots[i])[kKernelSlot] = kernel;
  }
}

}  // namespace

void set_up_pool() {
  find_boot_tables();
  find_foreign_frames();
  find_window();
  prepare_roots();
  for (auto& level : remembered) {
    for (unsigned i = 0; i < kRemembered; ++i)
      level[i] = static_cast<uint16_t>(kFirstTableFrame + i);
  }
}

uint64_t frame_address(unsigned frame) {
  return places.window + frame * kPageSize;
}

uint64_t frame_mfn(unsigned frame) {
  return places.frame_mfns[frame];
}

uint64_t root_address(unsigned root) {
  return reinterpret_cast<uint64_t>(roots[root]);
}

uint64_t root_mfn(unsigned root) {
  return places.root_mfns[root];
}

unsigned boot_table_count() {
  return places.boot_table_count;
}

uint64_t boot_table_mfn(unsigned number) {
  return places.boot_table_mfns[number];
}

uint64_t boot_root_mfn() {
  return places.boot_table_mfns[0];
}

uint64_t foreign_mfn(Random& random) {
  if (random.one_in(4)) return test_guest::start_info().shared_info / kPageSize;
  return places.foreign_mfns[random.below(places.foreign_count)];
}

uint64_t window_table_address() {
  return places.window_table_address;
}

uint64_t window_table_mfn() {
  return places.window_table_mfn;
}

uint64_t window_entry_place(unsigned frame) {
  return places.window_table_mfn * kPageSize + frame * sizeof(uint64_t);
}

uint64_t window_l2_place() {
  return places.window_l2_place;
}

void note_table(Random& random, unsigned level, unsigned frame) {
  remembered[level][random.below(kRemembered)] = static_cast<uint16_t>(frame);
}

unsigned recent_table(Random& random, unsigned level) {
  return remembered[level][random.below(kRemembered)];
}

}  // namespace random_hostile
