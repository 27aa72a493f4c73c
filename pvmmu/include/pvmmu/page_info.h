// What the hypervisor knows about one frame: owner, type, counts. This is the heart of direct
// paging; every other file keeps what is promised here.
//
// States
//   owner      kHypervisor  the guest may not name the frame in any request (the default)
//              kDomain      an ordinary frame of the guest
//              kShared      the hypervisor's, lent to the guest: writable for ever (shared_info)
//   type       kNone <-> any other type, only while type_count is 0 (I1). A table type also passes
//              through "not validated" (type set, count 1) while its entries are being read.
//   pinned     one of the type references is a pin: the frame stays a table with no user
//
// Who holds which reference
//   total_count  one for every present entry that names the frame at any level, every pin, every
//                base pointer of a vCPU, every reference of the VMM, and the loan of a kShared
//                frame
//   type_count   those of them that rely on the type (I2): writable L1 entries count for kWritable,
//                L2..L4 entries, pins and base pointers for table types. A read-only L1 entry
//                relies on nothing and counts in total_count alone.
//   An entry of a table that names that same table, one level too high ("linear"), relies on
//   nothing new, and counts nowhere: otherwise the table would keep itself alive. A same-level
//   entry that names another table counts in both, and in linear_count of both tables.
//
// linear_count: > 0 the number of same-level entries that this table holds (to other tables),
//   < 0 the number of same-level entries elsewhere that name this table. Never both, so that chains
//   are one deep and teardown cannot recurse for long.
//
// When a flush is owed (I3)
//   When a frame gets a type other than its last one, every processor that may still hold a
//   translation made under the last type must drop it first: last_type and tlb_stamp say which.
//   The stamp is taken when the type count falls to 0, which is after the last entry was replaced.
//
// Locks: all of it is guarded by the one MMU lock, which the caller of class Mmu holds.
//
// Preemption: validated_entries is how far validation or teardown has come. Both finish in one go
// today, so between two calls it is 0 (not a validated table) or kEntriesPerTable.
#pragma once

#include <stdint.h>

#include "base/level.h"
#include "pvmmu/page_type.h"

namespace pvmmu {

enum class FrameOwner : uint8_t { kHypervisor, kDomain, kShared };

struct PageInfo {
  uint64_t tlb_stamp = 0;
  uint32_t total_count = 0;
  uint32_t type_count = 0;
  uint32_t external_count =
      0;  // typed references that the VMM holds: get_writable, descriptor tables
  uint32_t next_pending = 0;  // link of TypeKeeper's list of tables to commit
  int16_t linear_count = 0;
  uint16_t validated_entries = 0;
  PageType type = PageType::kNone;
  PageType last_type = PageType::kNone;
  FrameOwner owner = FrameOwner::kHypervisor;
  bool validated : 1 = false;
  bool pinned : 1 = false;
};

static_assert(sizeof(PageInfo) == 32, "two frames to a cache line");

// Counts stop here: one more reference is refused, so that no count can wrap.
inline constexpr uint32_t kCountLimit = 0x7fff'ffff;
inline constexpr int16_t kLinearCountLimit = 0x7fff;

}  // namespace pvmmu
