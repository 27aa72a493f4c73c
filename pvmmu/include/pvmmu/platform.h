// What the MMU needs of the machine below it. The VMM implements it over the VM's memory, tests
// over an array that records history.
//
// Every function is called with the MMU's lock held. Frames are in range of the frame table: the
// MMU checks before it asks. Implementations do not call back into the MMU.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "base/frame.h"
#include "base/linear_addr.h"
#include "pvmmu/vcpu.h"

namespace pvmmu {

class MmuEvents;

// What to drop from a translation cache: everything, or the translation of one address. Either
// also drops the cached upper levels of a walk. Guest entries are never global.
struct TlbFlush {
  bool all = true;
  LinearAddr address;  // when not all
};

class Platform {
 public:
  // One atomic 8-byte load of entry `index` (< 512) of the frame `table`.
  virtual uint64_t read_entry(Mfn table, unsigned index) = 0;
  // The first entries of the frame `table`, at most 512, each by such a load.
  virtual void read_entries(Mfn table, std::span<uint64_t> entries) {
    for (unsigned i = 0; i < entries.size(); ++i) entries[i] = read_entry(table, i);
  }
  // Strong compare-exchange of 8 bytes, atomic against processors that set Accessed and Dirty. On
  // failure `expected` receives what is there.
  virtual bool compare_exchange_entry(Mfn table, unsigned index, uint64_t& expected,
                                      uint64_t desired) = 0;
  // Plain copies inside one frame. A write of 8 aligned bytes must be one store: a processor may
  // be reading the descriptor or entry that it replaces.
  virtual void read_bytes(Maddr from, void* to, size_t size) = 0;
  virtual void write_bytes(Maddr to, const void* from, size_t size) = 0;
  virtual void write_m2p(Mfn frame, Pfn pfn) = 0;
  // A present entry of a table was changed or removed (never not-present -> present): a shadow MMU
  // must be told of it before the next flush counts.
  virtual void entry_changed(Mfn table, unsigned index) = 0;
  // Before the first read of a promotion: a shadow MMU may hold another view of a frame that the
  // host wrote.
  virtual void frame_becomes_table(Mfn table) = 0;
  // Complete on return for every vCPU in the mask; the caller's own may be completed when it next
  // enters the guest.
  virtual void flush_tlb(VcpuMask vcpus, TlbFlush what) = 0;
  // The vCPUs that exist.
  virtual VcpuMask all_vcpus() = 0;
  // The entry that the hypervisor wants in slot 256..271 of every L4 table; 0 for none.
  virtual uint64_t hypervisor_slot_entry(unsigned slot) = 0;
  // How many steps of long work may follow before this is asked again; 0: the call has to stop and
  // let other work in. Asked after the first step of each piece of a call (`resumed` if it is not
  // the call's first) and each time the steps granted are used up; `steps` is how many were made in
  // this piece, at least 1.
  virtual uint32_t allow_steps(bool resumed, uint64_t steps) {
    (void)resumed;
    (void)steps;
    return kManySteps;
  }
  static constexpr uint32_t kManySteps = 0x4000'0000;

  // For the recount: the frames that a device of the VMM has entries for, each as often as
  // get_for_device() was called for one of those entries. Valid until the lock is given up.
  virtual std::span<const Mfn> device_frames() { return {}; }

  // Who is told of what the MMU does; null (as at first): nobody. Not to be changed during a call.
  void observe(MmuEvents* events) { events_ = events; }
  MmuEvents* events() const { return events_; }

 protected:
  ~Platform() = default;

 private:
  MmuEvents* events_ = nullptr;
};

}  // namespace pvmmu
