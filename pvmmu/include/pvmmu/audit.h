// The recount of everything that the MMU believes, and where its findings go.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "base/frame.h"
#include "pvmmu/page_info.h"

namespace pvmmu {

// What the recount found for one frame. Scratch space: the audit clears it first.
struct AuditTally {
  uint32_t total_count = 0;
  uint32_t type_count = 0;
  int32_t linear_entries = 0;
  int32_t linear_uses = 0;
  uint32_t device_entries = 0;
  Mfn next_table;  // of those of its level that are still to be read
  PageType type = PageType::kNone;
};

// One disagreement. `believed` is the frame table's value and `counted` the recount's.
struct AuditDifference {
  Mfn frame;
  const char* what = "";  // "type", "type count", "total count", ...
  uint64_t believed = 0;
  uint64_t counted = 0;
  PageInfo info;  // of the frame
  // For findings about one entry: the table and slot that it is in.
  Mfn table;
  unsigned slot = 0;
  uint64_t entry = 0;
};

class AuditSink {
 public:
  // At least frame_count tallies, which live until the audit returns.
  virtual std::span<AuditTally> tallies(size_t frame_count) = 0;
  virtual void difference(const AuditDifference& found) = 0;

 protected:
  ~AuditSink() = default;
};

// One entry, pin, base pointer or reference of the VMM that uses a frame.
struct FrameUser {
  enum class Kind : uint8_t { kEntry, kPin, kKernelBasePointer, kUserBasePointer, kVmm, kDevice };
  Kind kind = Kind::kEntry;
  Mfn table{};        // kEntry
  unsigned slot = 0;  // kEntry
  uint64_t entry = 0;
  unsigned vcpu = 0;  // base pointers
};

}  // namespace pvmmu
