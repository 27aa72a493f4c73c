#include "random_hostile/values.h"

#include "random_hostile/pool.h"

namespace random_hostile {
namespace {

constexpr unsigned kLowSlots = 8;  // L4 slots 0..7 are free for the guest's experiments
constexpr unsigned kHypervisorSlot = 256, kHypervisorSlots = 16;
constexpr uint64_t kPresent = 1, kWritable = 2, kLargePage = 0x80, kNoExecute = uint64_t{1} << 63;
constexpr uint64_t kBeyondMemory = uint64_t{1} << 28;

unsigned data_frame(Random& random) {
  return random.percent(95) ? random.below(kFirstTableFrame) : random.below(kFrameCount);
}

unsigned table_frame(Random& random) {
  return kFirstTableFrame + random.below(kFrameCount - kFirstTableFrame);
}

uint64_t some_boot_table(Random& random) {
  return boot_table_mfn(random.below(boot_table_count()));
}

// Bits that an entry may have beside the frame and the permission to write.
uint64_t decoration(Random& random) {
  if (random.percent(70)) return kReadOnlyFlags;
  return kPresent | (random.next() & (0xe6c | kNoExecute) & ~kWritable);
}

uint64_t leaf(Random& random) {
  const uint64_t flags = decoration(random);
  const uint64_t writable = flags | kWritable;
  const unsigned kind = random.below(100);
  if (kind < 50) return frame_mfn(data_frame(random)) * kPageSize | writable;
  if (kind < 65) return frame_mfn(data_frame(random)) * kPageSize | flags;
  if (kind < 73) return frame_mfn(table_frame(random)) * kPageSize | flags;
  if (kind < 77) return frame_mfn(table_frame(random)) * kPageSize | writable;
  if (kind < 80) return root_mfn(random.below(kRootCount)) * kPageSize | flags;
  if (kind < 87) return foreign_mfn(random) * kPageSize | writable;
  if (kind < 88) return (kBeyondMemory + random.below(1000)) * kPageSize | writable;
  if (kind < 90) {  // any flags at all, the reserved ones too
    return frame_mfn(data_frame(random)) * kPageSize | (random.next() & 0xfff0000000000fff);
  }
  return random.percent(80) ? 0 : random.next() & ~kPresent;
}

// An entry of level 2..4, for a table of the level below if all is well.
uint64_t upper(Random& random, unsigned level) {
  const uint64_t flags = decoration(random);
  const unsigned kind = random.below(100);
  const uint64_t below = frame_mfn(recent_table(random, level - 1)) * kPageSize;
  if (kind < 55) return below | kReadOnlyFlags | kWritable;
  if (kind < 65) return below | kReadOnlyFlags;
  if (kind < 70) return below | flags | kWritable;
  if (kind < 76) {  // of its own level: read-only is possible
    const uint64_t same =
        level == 4 ? root_mfn(random.below(kRootCount)) : frame_mfn(recent_table(random, level));
    return same * kPageSize | flags;
  }
  if (kind < 81) return frame_mfn(table_frame(random)) * kPageSize | flags | kWritable;
  if (kind < 83) return below | flags | kWritable | kLargePage;
  if (kind < 85) return foreign_mfn(random) * kPageSize | flags | kWritable;
  if (kind < 87 && level == 2) return window_table_mfn() * kPageSize | kReadOnlyFlags | kWritable;
  return random.percent(90) ? 0 : random.next() & ~kPresent;
}

}  // namespace

uint64_t boot_table_leaf(Random& random, bool writable) {
  const unsigned table = 1 + random.below(boot_table_count() - 1);
  return boot_table_mfn(table) * kPageSize | (writable ? kWritableFlags : decoration(random));
}

uint64_t random_entry(Random& random, unsigned level) {
  return level == 1 ? leaf(random) : upper(random, level);
}

unsigned random_slot(Random& random) {
  return random.percent(75) ? random.below(8) : random.below(512);
}

unsigned random_root_slot(Random& random) {
  if (random.percent(90)) return random.below(kLowSlots);
  if (random.percent(50)) return kHypervisorSlot + random.below(kHypervisorSlots);
  return random.below(kKernelSlot);
}

EntryPlace random_place(Random& random) {
  const auto in_table = [](uint64_t mfn, unsigned slot) {
    return mfn * kPageSize + slot * sizeof(uint64_t);
  };
  const unsigned kind = random.below(100);
  if (kind < 40) return {window_entry_place(random.below(kFrameCount)), 1};
  if (kind < 75) {
    const unsigned level = 1 + random.below(3);
    return {in_table(frame_mfn(recent_table(random, level)), random_slot(random)), level};
  }
  if (kind < 83) {
    return {in_table(root_mfn(random.below(kRootCount)), random_root_slot(random)), 4};
  }
  if (kind < 88) return {in_table(boot_root_mfn(), random.below(kLowSlots)), 4};
  if (kind < 91) return {window_l2_place(), 2};
  if (kind < 97) return {in_table(frame_mfn(random.below(kFrameCount)), random.below(512)), 1};
  if (kind < 99) return {in_table(foreign_mfn(random), random.below(512)), 1};
  return {random.next() | uint64_t{1} << 50, 1};
}

uint64_t random_mfn(Random& random) {
  const unsigned kind = random.below(100);
  if (kind < 40) return frame_mfn(table_frame(random));
  if (kind < 65) return frame_mfn(recent_table(random, 1 + random.below(3)));
  if (kind < 85) return frame_mfn(data_frame(random));
  if (kind < 92) {  // but the window's table keeps its pin
    const uint64_t mfn = some_boot_table(random);
    return mfn == window_table_mfn() ? boot_root_mfn() : mfn;
  }
  if (kind < 97) return foreign_mfn(random);
  return random.one_in(2) ? kBeyondMemory + random.below(1000) : random.next();
}

uint64_t random_mapped_address(Random& random) {
  const uint64_t offset = random.percent(80) ? random.below(512) * 8 : random.below(4096);
  if (random.percent(70)) return frame_address(random.below(kFrameCount)) + offset;
  const auto part = [&](unsigned shift) { return uint64_t{random_slot(random)} << shift; };
  return uint64_t{random.below(kLowSlots)} << 39 | part(30) | part(21) | part(12) | offset;
}

uint64_t bad_pointer(Cpu& cpu) {
  Random& random = cpu.random;
  const ArgumentPages& pages = cpu.arguments;
  const auto before = [&](unsigned page) {
    return address_of(pages.page(page)) - random.below(128);
  };
  switch (random.below(12)) {
    case 0:
      return 0;
    case 1:
      return uint64_t{1} << 47 | random.below(4096);  // not canonical
    case 2:
      return 0xffff800000000000 + random.next() % (uint64_t{1} << 43);
    case 3:
      return 0xffff808000000000 + random.below(1 << 20);
    case 4:
      return 0ULL - random.below(256);
    case 5:
      return window_table_address() + random.below(4096);
    case 6:
      return before(ArgumentPages::kUnmapped);
    case 7:
      return before(ArgumentPages::kReadOnly);
    case 8:
      return address_of(pages.page(ArgumentPages::kReadOnly)) + random.below(4096);
    case 9:
      return address_of(test_guest::hypercall_page) + random.below(4096);  // not writable
    default:
      return random_mapped_address(random);
  }
}

uint64_t maybe_bad(Cpu& cpu, const void* good) {
  return cpu.random.percent(90) ? address_of(good) : bad_pointer(cpu);
}

uint64_t maybe_huge(Random& random, unsigned good) {
  constexpr uint64_t kHuge[] = {0x7fffffff, 0x80000000, 0xffffffff, uint64_t{1} << 32,
                                ~uint64_t{0}};
  if (random.percent(92)) return good;
  return random.percent(70) ? good + random.below(64) : random.pick(kHuge);
}

uint64_t random_flush(Cpu& cpu) {
  constexpr uint64_t kPlain[] = {UVMF_NONE,
                                 UVMF_INVLPG,
                                 UVMF_TLB_FLUSH,
                                 UVMF_INVLPG | UVMF_ALL,
                                 UVMF_TLB_FLUSH | UVMF_ALL,
                                 UVMF_FLUSHTYPE_MASK};
  Random& random = cpu.random;
  if (random.percent(85)) return random.pick(kPlain);
  auto* bitmap = cpu.allocate_array<uint64_t>(1);
  *bitmap = random.next();
  return (maybe_bad(cpu, bitmap) & ~uint64_t{7}) | random.pick(kPlain);
}

}  // namespace random_hostile
