// Why a request was refused, in fields from which one readable paragraph can be printed.
#pragma once

#include <stdint.h>

#include "base/errno.h"
#include "base/frame.h"
#include "base/level.h"
#include "base/linear_addr.h"
#include "pvmmu/page_info.h"

namespace pvmmu {

// The rules of the MMU. One list: the enumerator, its short name, what it says.
#define PVMMU_RULES(X)                                                                         \
  X(kNone, "-", "no rule was broken")                                                          \
  X(kOneType, "I1", "a frame has one type at a time and changes it only when nobody uses it")  \
  X(kCounts, "I2", "every use of a frame is counted, and counts do not overflow")              \
  X(kNoWritableTable, "I3", "no page table is writable through any translation of the guest")  \
  X(kEntryTarget, "I4", "an entry names a frame of this domain that is valid one level below") \
  X(kEntryBits, "I5",                                                                          \
    "an entry has no reserved bit, hypervisor frame or superpage, and leaves "                 \
    "the hypervisor's slots alone")                                                            \
  X(kNoEffect, "I6", "a refused request changes nothing")                                      \
  X(kAccessedDirty, "I7", "Accessed and Dirty bits are never lost")                            \
  X(kBoundedWork, "I8", "work is done in bounded pieces")                                      \
  X(kAnyInput, "I9", "whatever the guest passes is answered with an error at worst")

enum class Rule : uint8_t {
#define PVMMU_RULE_ENUMERATOR(name, tag, text) name,
  PVMMU_RULES(PVMMU_RULE_ENUMERATOR)
#undef PVMMU_RULE_ENUMERATOR
      kCount
};

inline constexpr unsigned kRuleCount = static_cast<unsigned>(Rule::kCount);
inline constexpr const char* kRuleTags[] = {
#define PVMMU_RULE_TAG(name, tag, text) tag,
    PVMMU_RULES(PVMMU_RULE_TAG)
#undef PVMMU_RULE_TAG
};
inline constexpr const char* kRuleTexts[] = {
#define PVMMU_RULE_TEXT(name, tag, text) text,
    PVMMU_RULES(PVMMU_RULE_TEXT)
#undef PVMMU_RULE_TEXT
};

// What the frame in question was when the request was refused.
struct FrameSnapshot {
  bool in_range = false;  // the frame exists; otherwise the rest says nothing
  FrameOwner owner = FrameOwner::kHypervisor;
  PageType type = PageType::kNone;
  bool validated = false;
  bool pinned = false;
  uint32_t type_count = 0;
  uint32_t total_count = 0;
  int16_t linear_count = 0;
};

// One refused request. Fields that do not apply keep their defaults (kInvalidMfn, kNoSlot, 0).
struct Refusal {
  static constexpr uint16_t kNoSlot = 0xffff;

  Rule rule = Rule::kNone;
  Errno error = Errno::kOk;
  const char* operation = "";  // as in the ABI: "mmu_update", "MMUEXT_PIN_L1_TABLE", ...
  const char* reason = "";     // one clause in lower case: what is wrong
  uint32_t request = 0;        // index in the array of requests
  uint8_t level = 0;           // of the table that the entry is (or would be) in; 0 = no entry
  uint16_t slot = kNoSlot;     // of that entry
  Mfn table;                   // that table
  uint64_t entry = 0;          // the value asked for
  Mfn frame;                   // the frame that stands in the way
  FrameSnapshot now;           // what that frame is
  LinearAddr address;          // the linear address concerned, if has_address
  bool has_address = false;

  bool refused() const { return error != Errno::kOk; }
};

}  // namespace pvmmu
