// The VMM's end of the guest's console ring: takes what the guest wrote and gives it to the
// console. Input does not exist. [xen/public/io/console.h]
//
// The page is the guest's: indices are read once, and anything that does not fit the ring is
// dropped. Lock: mutex_, held while draining, so that bytes come out in order.
#pragma once

#include "hypercalls/services.h"
#include "sync/ranked_mutex.h"

namespace vmm {

class ConsoleRing {
 public:
  // Takes a writable reference on the frame for as long as this lives; available() tells whether it
  // got it.
  ConsoleRing(pvmmu::Mfn frame, FrameReferences& frames, Console& console);
  ~ConsoleRing();
  ConsoleRing(const ConsoleRing&) = delete;
  ConsoleRing& operator=(const ConsoleRing&) = delete;

  bool available() const { return ring_ != nullptr; }
  // Returns whether anything was taken (then the guest is told through its port).
  bool drain();

 private:
  pvmmu::Mfn frame_;
  FrameReferences& frames_;
  Console& console_;
  xencons_interface* ring_;
  RankedMutex<LockRank::kConsoleRing> mutex_;
};

}  // namespace vmm
