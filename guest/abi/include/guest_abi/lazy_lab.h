// The rules of lazy mode that the guest kernel can follow, and the schedules of its laboratory, by
// the names that command lines and docs/lazy-mode.md use.
#pragma once

#include <stdint.h>

namespace guest_abi {

// X(name, text): the years in which Linux had them.
#define GUEST_ABI_LAZY_POLICIES(X) \
  X(k2007, "2007")                 \
  X(k2023, "2023")                 \
  X(k2025, "2025")                 \
  X(k2026, "2026")

enum class LazyPolicy : uint8_t {
#define GUEST_ABI_ENUMERATOR(name, text) name,
  GUEST_ABI_LAZY_POLICIES(GUEST_ABI_ENUMERATOR)
#undef GUEST_ABI_ENUMERATOR
};

inline constexpr const char* kLazyPolicyNames[] = {
#define GUEST_ABI_NAME(name, text) text,
    GUEST_ABI_LAZY_POLICIES(GUEST_ABI_NAME)
#undef GUEST_ABI_NAME
};

// X(name, text, what happens)
#define GUEST_ABI_LAZY_SCHEDULES(X)                                                         \
  X(kNest, "nest", "a section is entered in a section")                                     \
  X(kPreempt, "preempt", "an interrupt in a section lets another thread run")               \
  X(kPreemptNested, "preempt-nested", "the same in a section that is in a section")         \
  X(kSleep, "sleep", "a thread sleeps in a section")                                        \
  X(kInterrupt, "interrupt", "an interrupt in a section changes an entry and relies on it") \
  X(kInterruptNested, "interrupt-nested", "an interrupt in a section enters one itself")    \
  X(kFault, "fault", "an access in a section faults, and the handler changes an entry for it")

enum class LazySchedule : uint8_t {
  kNone,
#define GUEST_ABI_ENUMERATOR(name, text, what) name,
  GUEST_ABI_LAZY_SCHEDULES(GUEST_ABI_ENUMERATOR)
#undef GUEST_ABI_ENUMERATOR
};

// By number; the first is none.
inline constexpr const char* kLazyScheduleNames[] = {"",
#define GUEST_ABI_NAME(name, text, what) text,
                                                     GUEST_ABI_LAZY_SCHEDULES(GUEST_ABI_NAME)
#undef GUEST_ABI_NAME
};

}  // namespace guest_abi
