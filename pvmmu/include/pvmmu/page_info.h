// What the hypervisor knows about one frame: owner, type, counts. This is the heart of direct
// paging; every other file keeps what is promised here.
//
// States
//   owner      kHypervisor  the guest may not name the frame in any request (the default)
//              kDomain      an ordinary frame of the guest
//              kShared      the hypervisor's, lent to the guest: writable for ever (shared_info)
//   type       kNone <-> any other type, only while type_count is 0 (I1)
//   validation how far a table (or descriptor table) has come; kUnvalidated for other types
//                kUnvalidated  the entries below validated_entries hold references, the others none
//                kValidated    every present entry passed and holds its reference, but this table,
//                              or one below it, is not stored as it must be (USER forced on, the
//                              hypervisor's slots of an L4): no processor may walk it yet
//                kWhole        stored too, and all below it. Only such a table is ever walked,
//                              loaded, or changed by a request
//   pinned     one of the type references is a pin: the frame stays a table with no user
//   in_progress  the frame was left in the middle of promotion or demotion, by a call that was
//              preempted or refused. One type and one total reference are its own. Whoever wants
//              the type goes on upwards and takes these references over; whoever has to tear it
//              down goes on downwards. Until then nobody can use it as anything else.
//   child_in_progress  it was left while the table of its entry validated_entries was in progress
//
// Who holds which reference
//   total_count  one for every present entry that names the frame at any level, every pin, every
//                base pointer of a vCPU, every reference of the VMM, the loan of a kShared frame,
//                and in_progress
//   type_count   those of them that rely on the type (I2): writable L1 entries count for kWritable,
//                L2..L4 entries, pins and base pointers for table types. A read-only L1 entry
//                relies on nothing and counts in total_count alone.
//   An entry of a table that names that same table, one level too high ("linear"), relies on
//   nothing new, and counts nowhere: otherwise the table would keep itself alive. A same-level
//   entry that names another table counts in both, and in linear_count of both tables.
//   Entries of a table from validated_entries on hold nothing.
//
// linear_count: > 0 the number of same-level entries that this table holds (to other tables),
//   < 0 the number of same-level entries elsewhere that name this table. Never both, so that chains
//   are one deep and teardown cannot recurse for long.
//
// When a flush is owed (I3)
//   When a frame gets a type other than its last one, every processor that may still hold a
//   translation made under the last type must drop it first: last_type and tlb_stamp say which.
//   The stamp is taken when the type count falls to 0, which is after the last entry was replaced
//   and, for a table, after its last entry gave its reference back.
//
// Locks: all of it is guarded by the one MMU lock, which the caller of class Mmu holds.
#pragma once

#include <stdint.h>

#include "base/level.h"
#include "pvmmu/page_type.h"

namespace pvmmu {

enum class FrameOwner : uint8_t { kHypervisor, kDomain, kShared };

enum class Validation : uint8_t { kUnvalidated, kValidated, kWhole };

struct PageInfo {
  uint64_t tlb_stamp = 0;
  uint32_t total_count = 0;
  uint32_t type_count = 0;
  uint32_t external_count =
      0;  // typed references that the VMM holds: get_writable, descriptor tables
  int16_t linear_count = 0;
  uint16_t validated_entries = 0;
  PageType type = PageType::kNone;
  PageType last_type = PageType::kNone;
  FrameOwner owner = FrameOwner::kHypervisor;
  Validation validation = Validation::kUnvalidated;
  bool pinned : 1 = false;
  bool in_progress : 1 = false;
  bool child_in_progress : 1 = false;
  bool must_store : 1 = false;  // something below validated_entries is not stored as it must be
  bool was_table : 1 = false;   // while it is torn down: it had been validated
  // Those of external_count that are for entries of a device: get_for_device.
  uint16_t device_count = 0;

  bool whole() const { return validation == Validation::kWhole; }
};

static_assert(sizeof(PageInfo) == 32, "two frames to a cache line");

// Counts stop here: one more reference is refused, so that no count can wrap.
inline constexpr uint32_t kCountLimit = 0x7fff'ffff;
inline constexpr int16_t kLinearCountLimit = 0x7fff;

}  // namespace pvmmu
