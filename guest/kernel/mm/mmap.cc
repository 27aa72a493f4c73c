// mmap, munmap and madvise(DONTNEED).
#include "mm/mmap.h"
#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "mm/pv/tables.h"
#include "mm/range.h"
#include "mm/shared_object.h"
#include "mm/zap.h"

namespace kernel {
namespace {

constexpr uint64_t kProtBits = guest_abi::kProtRead | guest_abi::kProtWrite | guest_abi::kProtExec;
constexpr uint64_t kBackingBits =
    guest_abi::kMapShared | guest_abi::kMapFile | guest_abi::kMapDevice;

// False: not a backing, or not alone.
bool backing_of(uint64_t flags, Backing& backing) {
  switch (flags & kBackingBits) {
    case 0:
      backing = Backing::kPrivate;
      return true;
    case guest_abi::kMapShared:
      backing = Backing::kShared;
      return true;
    case guest_abi::kMapFile:
      backing = Backing::kFile;
      return true;
    case guest_abi::kMapDevice:
      backing = Backing::kDevice;
      return true;
    default:
      return false;
  }
}

constexpr uint64_t kMapBits = kBackingBits | guest_abi::kMapFixed;

bool has_object(Backing backing) {
  return backing == Backing::kShared || backing == Backing::kFile;
}

// Where a mapping goes: the address asked for if it is fixed or free, else the lowest free place
// of the arena. 0: nowhere.
uint64_t choose_place(const Mm& mm, uint64_t address, uint64_t length, bool fixed) {
  Range range;
  const bool usable = address != 0 && range_from(address, length, range);
  if (fixed) {
    return usable ? address : 0;
  }
  if (usable && mm.areas.is_free(range.start, range.end)) {
    return address;
  }
  return mm.areas.find_gap(length, guest_abi::kArenaBase, guest_abi::kArenaLimit);
}

int64_t insert_area(Mm& mm, Vma area) {
  if (has_object(area.backing)) {
    area.object = shared_object_create();
    if (area.object == nullptr) {
      return -kEnomem;
    }
  }
  if (mm.areas.insert(area) == nullptr) {
    if (area.has_object()) {
      shared_object_put(*area.object);
    }
    return -kEnomem;
  }
  return static_cast<int64_t>(area.start);
}

}  // namespace

bool unmap_range(Mm& mm, const Range& range) {
  if (!mm.areas.split_at_ends(range.start, range.end)) {
    mm.areas.merge(range.start, range.end);
    return false;
  }
  UnusedTables unused(mm);
  zap_range_and_tables(mm, range.start, range.end, unused);
  while (Vma* area = mm.areas.find_end_above(range.start)) {
    if (area->start >= range.end) {
      break;
    }
    mm.areas.remove(*area);
  }
  return true;
}

int64_t sys_mmap(Mm& mm, uint64_t address, uint64_t length, uint64_t prot, uint64_t flags) {
  Vma area;
  area.prot = prot;
  if (length == 0 || (prot & ~kProtBits) != 0 || (flags & ~kMapBits) != 0 ||
      !backing_of(flags, area.backing)) {
    return -kEinval;
  }
  const bool fixed = (flags & guest_abi::kMapFixed) != 0;
  if (fixed && (address & ~pvmmu::kPageMask) != 0) {
    return -kEinval;
  }
  if (area.backing == Backing::kDevice && length > guest_abi::kDevicePages * pvmmu::kPageSize) {
    return -kEinval;
  }
  if (length > kUserLimit ||
      (has_object(area.backing) && length > kSharedObjectPages * pvmmu::kPageSize)) {
    return -kEnomem;
  }
  length = (length + pvmmu::kPageSize - 1) & pvmmu::kPageMask;
  SettledMm guard(mm);
  const uint64_t start = choose_place(mm, address & pvmmu::kPageMask, length, fixed);
  if (start == 0) {
    return -kEnomem;
  }
  if (fixed && !unmap_range(mm, {start, start + length})) {
    return -kEnomem;
  }
  area.start = start;
  area.end = start + length;
  return insert_area(mm, area);
}

int64_t sys_munmap(Mm& mm, uint64_t address, uint64_t length) {
  Range range;
  if (length == 0 || !range_from(address, length, range)) {
    return -kEinval;
  }
  SettledMm guard(mm);
  return unmap_range(mm, range) ? 0 : -kEnomem;
}

int64_t sys_madvise_dontneed(Mm& mm, uint64_t address, uint64_t length) {
  Range range;
  if (!range_from(address, length, range)) {
    return -kEinval;
  }
  SettledMm guard(mm);
  // What is mapped is dropped even if the range has holes, which are an error all the same.
  zap_range(mm, range.start, range.end);
  return mm.areas.is_covered(range.start, range.end) ? 0 : -kEnomem;
}

}  // namespace kernel
