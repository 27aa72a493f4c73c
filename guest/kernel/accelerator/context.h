// What the accelerator's driver keeps for an address space that the device works on, and the two
// protocols that keep a fault which is being answered apart from an invalidation.
//
// The danger: the driver looks a page up, the entry goes and the device is told to let go of the
// range, and only then the driver establishes what it looked up. Both protocols make the driver
// notice and look again (docs/notifiers.md):
//
//   sequence  as KVM's: invalidations count. Whoever answers a fault reads the count before it
//             looks the page up, and establishes only if it is the same, and no invalidation of
//             the address is under way. The device's entries keep no reference of the page
//   recall    as xpmem's: who answers a fault is on a list. An invalidation marks those on it that
//             its range concerns, and they start again. A page that the device uses has one
//             reference for all its uses, given back by the invalidation when the device has let go
//
// Lock order: Mm::lock, the driver's lock, AcceleratorContext::lock, which is held over the
// hypercalls that establish and invalidate, so that each happens before or after the other.
#pragma once

#include <stdint.h>

#include "frames.h"
#include "mm/address_space.h"
#include "mm/notifier.h"
#include "spinlock.h"

namespace kernel {

// A fault of the device while it is answered; on the stack of who answers.
struct SecondaryFault {
  uint64_t address = 0;            // of the page
  uint64_t sequence = 0;           // sequence: of the context, when the fault began
  bool must_retry = false;         // recall
  SecondaryFault* next = nullptr;  // recall: the list
};

// recall: a page that the device uses.
struct RemotePage {
  uint64_t address = 0;
  Page* page = nullptr;  // with the one reference
  RemotePage* next = nullptr;
};

struct AcceleratorContext {
  MmuNotifier notifier;  // first: it is found by it
  Mm* mm = nullptr;
  uint32_t id = 0;                     // the device's name for it, never used again
  AcceleratorContext* next = nullptr;  // all of them: the driver's lock

  Spinlock lock;  // the rest
  // sequence
  uint64_t sequence = 0;     // invalidations that are over
  unsigned ranges_open = 0;  // under way
  uint64_t open_start = 0;   // where they all are
  uint64_t open_end = 0;
  // recall
  static constexpr unsigned kBuckets = 64;
  SecondaryFault* faults = nullptr;  // being answered
  RemotePage* pages[kBuckets] = {};  // by address
};

enum class Establish : uint8_t { kDone, kRetry, kFailed };

// Both sides of a protocol. A fault: begin; look the page up; then establish, or give_up. The
// reference that the lookup took is establish's if it returns kDone, else the caller's.
struct ProtocolOps {
  void (*begin)(AcceleratorContext&, SecondaryFault&);
  Establish (*establish)(AcceleratorContext&, SecondaryFault&, Page&, bool write);
  void (*give_up)(AcceleratorContext&, SecondaryFault&);
  // [start, end) is about to change: afterwards the device holds nothing of it.
  void (*range_start)(AcceleratorContext&, uint64_t start, uint64_t end);
  void (*range_end)(AcceleratorContext&, uint64_t start, uint64_t end);
  // The page's entry has changed.
  void (*invalidate_page)(AcceleratorContext&, uint64_t address);
  // The device has forgotten the context.
  void (*release)(AcceleratorContext&);
};

extern const ProtocolOps kSequenceProtocol;
extern const ProtocolOps kRecallProtocol;
// The one that this run uses.
const ProtocolOps& secondary_protocol();

// Pages that are held for the device: leaks, when no process is left.
uint64_t remote_pages_in_use();

}  // namespace kernel
