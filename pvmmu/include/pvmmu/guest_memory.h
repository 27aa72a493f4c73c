// The guest's memory as its linear addresses name it: walks of its tables, and copies for hypercall
// arguments and results.
//
// A copy sets Accessed and Dirty as a processor would, and a write goes through a writable type
// reference on the frame that the walk ended at, so that no write of the hypervisor escapes the
// types. Addresses may be anything: non-canonical, wrapping, unmapped.
#pragma once

#include <stddef.h>

#include "base/linear_addr.h"
#include "pvmmu/call.h"
#include "pvmmu/frame_table.h"
#include "pvmmu/platform.h"
#include "pvmmu/type_keeper.h"
#include "pvmmu/walk.h"

namespace pvmmu {

class GuestMemory {
 public:
  GuestMemory(Platform& platform, FrameTable& frames, TypeKeeper& types)
      : platform_(platform), frames_(frames), types_(types) {}

  // Changes nothing, not even Accessed bits.
  WalkResult walk(Mfn root, LinearAddr address, Access access);

  // walk() for a copy: a permitted access also sets Accessed (and Dirty for a write).
  WalkResult walk_and_mark(Mfn root, LinearAddr address, Access access);

  // False: some byte could not be reached; fault_address() says where. Bytes before it may have
  // been copied.
  bool copy_from(Mfn root, void* to, LinearAddr from, size_t size);
  bool copy_to(Call& call, Mfn root, LinearAddr to, const void* from, size_t size);
  LinearAddr fault_address() const { return fault_address_; }

 private:
  struct Rights;
  bool step(Mfn& table, PtLevel level, LinearAddr address, Rights& rights, WalkResult& result);
  void mark(const WalkResult& walked, bool write);

  Platform& platform_;
  FrameTable& frames_;
  TypeKeeper& types_;
  LinearAddr fault_address_;
};

}  // namespace pvmmu
