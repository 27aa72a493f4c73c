// The accelerator: a device of the VMM that works on addresses of processes, by translations of its
// own. A private extension (--extensions), behind kPvmmuOpAccelerator of the private hypercall; no
// guest needs it.
//
// The guest opens a *context* for each address space that the device shall work on, and submits
// commands that name it. The device knows of the guest's page tables only what it is told: it looks
// an address up in its own table, and where that has no entry, or only one for reading and the
// command writes, it reports a fault and lets the command wait. The guest answers by *establishing*
// an entry and *resuming* the command; or resumes it with an error, and it ends.
//
// What the device reports, faults and ends of commands, it writes to a page of the guest's, and
// raises the event channel.
//
// While the device has an entry, it holds a reference of the frame's writable type, also if the
// entry is for reading only: so the frame can neither become a page table nor leave the domain.
// When *invalidate* returns, no entry of the range is left, no access through one is under way, and
// the references are given back.
//
// Addresses and lengths are in bytes; those of commands are multiples of 8.
#pragma once

#include <stdint.h>

#include "guest_abi/accounting.h"

namespace guest_abi {

// arg0 = kPvmmuOpAccelerator, arg1 = AcceleratorOp, arg2 .. arg5 as there. 0 or a negative errno,
// unless said otherwise: -ENOSYS without the extension or for an unknown operation, -ENODEV before
// kStart, -ESRCH for a context that is not open, -EINVAL for a misaligned or wrapping range.
inline constexpr unsigned kPvmmuOpAccelerator = 3;

enum class AcceleratorOp : uint64_t {
  kStart = 0,       // (frame): what the device writes its reports to. Returns the port of the event
                    // channel that it raises, on vCPU 0 unless EVTCHNOP_bind_vcpu says otherwise.
                    // -EBUSY if it was started, -EINVAL if the domain may not write the frame
  kStop = 1,        // (): closes all contexts, and gives the frame back
  kOpen = 2,        // (context): any number below 2^32. -EEXIST; -ENOSPC over kMaxContexts
  kClose = 3,       // (context): its commands are forgotten without a report, its entries go as by
                    // kInvalidate
  kSubmit = 4,      // (address of an AcceleratorCommand): copied, checked, queued. -EFAULT if it
                    // cannot be read, or names addresses beyond the user half; -EBUSY if the tag is
                    // in use; -EINVAL for an unknown operation, a misaligned place or length, a
                    // length of 0, a copy whose places overlap; -E2BIG over kMaxBytes
  kEstablish = 5,   // (context, address, frame, 1 to write or 0): the page of the address becomes
                    // the frame; what the device had there goes. -EINVAL if the domain may not
                    // write the frame. The device has kMaxEntries at most, and drops others
                    // for new ones
  kInvalidate = 6,  // (context, address, byte count): whole pages
  kClearYoung = 7,  // (context, address, page count <= kMaxYoungPages, address of a bitmap): bit i
                    // of the bitmap (64-bit words, as many as needed) becomes 1 if the device
                    // accessed page i since the last time. -EFAULT
  kResume = 8,      // (tag, context, errno): the command looks again; or, for an errno that is not
                    // 0, ends with it. -ENOENT unless that command waits for an answer
};

enum class AcceleratorOperation : uint32_t {
  kCopy = 0,             // `byte_count` bytes from `source` to `address`
  kFill = 1,             // word i from `address` on becomes `value` + i
  kCompareExchange = 2,  // the word at `address` becomes `desired` if it is `value`, in one atomic
                         // step; byte_count is 8. The result is the word that was there
  kChecksum = 3,         // the result is the sum of the words from `address` on
  kCount
};

inline constexpr unsigned kMaxContexts = 64;
inline constexpr unsigned kMaxCommands = 32;   // tags are below
inline constexpr unsigned kMaxEntries = 4096;  // of all contexts
inline constexpr uint64_t kMaxBytes = uint64_t{2} << 20;
inline constexpr unsigned kMaxYoungPages = 512;

struct AcceleratorCommand {
  uint32_t operation;  // AcceleratorOperation
  uint32_t tag;        // names the command until its end was reported
  uint64_t context;
  uint64_t address;
  uint64_t source;
  uint64_t byte_count;
  uint64_t value;
  uint64_t desired;
};

enum class AcceleratorReport : uint32_t {
  kFault = 1,  // the command waits: `address` has no entry, or none to write if `write` is 1
  kEnd = 2,    // the command ended: with `result`, or with `error`
};

struct AcceleratorEvent {
  AcceleratorReport kind;
  uint32_t tag;
  uint64_t context;
  uint64_t address;
  uint32_t write;
  uint32_t error;  // errno, 0: none
  uint64_t result;
};

// What the device has to say of the command with tag i is in events[i], whole once bit i of
// `pending` is set. The device writes an event and then sets its bit; the guest clears the bit and
// then reads. It does so before it resumes the command or gives its tag out again, and after kClose
// for the tags of the context's commands: so no event is written while it is read. The device
// relies on nothing that stands here.
struct AcceleratorReports {
  uint64_t pending;  // atomic
  uint64_t unused[7];
  AcceleratorEvent events[kMaxCommands];
};
static_assert(kMaxCommands <= 64);

static_assert(sizeof(AcceleratorCommand) == 56);
static_assert(sizeof(AcceleratorEvent) == 40);
static_assert(sizeof(AcceleratorReports) <= 4096);

}  // namespace guest_abi
