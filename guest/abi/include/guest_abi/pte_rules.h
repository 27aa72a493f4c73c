// The rules for touching a pte, as numbers that the guest kernel's checker, the VMM's reports and
// docs/pte-access-rules.md share, and what the checker tells the VMM through the accounting page.
#pragma once

#include <stdint.h>

namespace guest_abi {

// The architectures whose rules can be checked; a set of them is a sum of bits.
#define GUEST_ABI_PTE_MODELS(X)      \
  X(kX86Xen, 1, "x86")               \
  X(kPowerpcHash, 2, "powerpc-hash") \
  X(kS390, 4, "s390")

enum class PteModel : uint32_t {
#define GUEST_ABI_ENUMERATOR(name, bit, text) name = bit,
  GUEST_ABI_PTE_MODELS(GUEST_ABI_ENUMERATOR)
#undef GUEST_ABI_ENUMERATOR
};

struct PteModelName {
  PteModel model;
  const char* name;
};
inline constexpr PteModelName kPteModelNames[] = {
#define GUEST_ABI_NAME(name, bit, text) {PteModel::name, text},
    GUEST_ABI_PTE_MODELS(GUEST_ABI_NAME)
#undef GUEST_ABI_NAME
};

inline constexpr uint32_t kAllPteModels = 7;
inline constexpr uint32_t kX86Only = 1;
inline constexpr uint32_t kPowerpcOnly = 2;
inline constexpr uint32_t kS390Only = 4;

// Number, name, the models that hold to it, and the rule. A number is never given to another rule.
#define GUEST_ABI_PTE_RULES(X)                                                                     \
  X(1, kLock, kAllPteModels, "a live entry changes only with its table's lock held")               \
  X(2, kStates, kAllPteModels, "an accessor meets only the states that it accepts")                \
  X(3, kSetOverValid, kPowerpcOnly, "an entry is set only where none is valid")                    \
  X(4, kOnlyRelaxes, kAllPteModels, "relaxing access takes nothing away")                          \
  X(5, kFlushOwed, kAllPteModels, "what a valid entry lost is flushed before the operation ends")  \
  X(6, kHiddenLeft, kAllPteModels, "a hidden entry does not outlive the operation that hid it")    \
  X(7, kTransaction, kAllPteModels,                                                                \
    "start and commit come in pairs, under one hold of the lock, with nothing in between")         \
  X(8, kLazyNesting, kAllPteModels,                                                                \
    "lazy mode is not entered twice, and is left before threads change or upcalls open")           \
  X(9, kAccessedDirtyLost, kX86Only,                                                               \
    "no A or D that a processor sets is lost where the accessor promises to keep it")              \
  X(10, kAtomicDeferred, kX86Only,                                                                 \
    "what answers with A or D, or with the entry itself, is not deferred")                         \
  X(11, kReadBack, kX86Only, "an entry is not read while an update of it is queued")               \
  X(12, kQueuedAtUnlock, kX86Only, "queued updates are made before the lock is dropped")           \
  X(13, kPlainStore, kX86Only, "no plain store to a table that is pinned")                         \
  X(14, kValidOverHashed, kPowerpcOnly,                                                            \
    "no valid entry over one that was cleared while its hash entry is not flushed")                \
  X(15, kHashedStateLost, kPowerpcOnly,                                                            \
    "what is committed is what start returned, with other rights")                                 \
  X(16, kDuplicateHash, kPowerpcOnly, "no address ever has two hash entries")                      \
  X(17, kHashAtUnlock, kPowerpcOnly, "hash entries are flushed before the lock is dropped")        \
  X(18, kNotInvalidated, kS390Only,                                                                \
    "a valid entry becomes something else only by an accessor that invalidates it")                \
  X(19, kSetBeforeFlush, kS390Only, "an entry that was cleared is not set valid before the flush") \
  X(20, kFlushedInLazy, kX86Only, "what is flushed on return is not done in a lazy section")

enum class PteRule : uint32_t {
  kNone = 0,
#define GUEST_ABI_ENUMERATOR(number, name, models, text) name = number,
  GUEST_ABI_PTE_RULES(GUEST_ABI_ENUMERATOR)
#undef GUEST_ABI_ENUMERATOR
};

struct PteRuleText {
  uint32_t models;
  const char* text;
};
// By number; 0 is none.
inline constexpr PteRuleText kPteRules[] = {{0, ""},
#define GUEST_ABI_RULE(number, name, models, text) {models, text},
                                            GUEST_ABI_PTE_RULES(GUEST_ABI_RULE)
#undef GUEST_ABI_RULE
};
inline constexpr unsigned kPteRuleCount = sizeof(kPteRules) / sizeof(kPteRules[0]);

// What can happen to an entry: what the mm wants, how it is stored, and what is around it.
#define GUEST_ABI_PTE_EVENTS(X)                     \
  X(kNone, "nothing that is remembered")            \
  X(kRead, "read")                                  \
  X(kEstablish, "establish")                        \
  X(kRelax, "relax access")                         \
  X(kReplace, "replace page")                       \
  X(kZap, "zap")                                    \
  X(kWriteProtect, "write protect")                 \
  X(kClearYoung, "test and clear young")            \
  X(kClearAccessedDirty, "clear A and D")           \
  X(kClean, "clean")                                \
  X(kHide, "hide")                                  \
  X(kMoveOut, "move out")                           \
  X(kMoveIn, "move in")                             \
  X(kModifyStart, "modify start")                   \
  X(kModifyCommit, "modify commit")                 \
  X(kModifyDropped, "modify without commit")        \
  X(kModifyNaive, "modify by read and store")       \
  X(kPlainStore, "plain store")                     \
  X(kExchange, "atomic exchange")                   \
  X(kClearBits, "atomic and")                       \
  X(kQueued, "update")                              \
  X(kQueuedPreserving, "update that keeps A and D") \
  X(kMapping, "update of a mapping, with flush")    \
  X(kLock, "lock")                                  \
  X(kUnlock, "unlock")                              \
  X(kLazyEnter, "enter lazy mode")                  \
  X(kLazyLeave, "leave lazy mode")                  \
  X(kHashBatchMade, "batch of hash entries made")   \
  X(kQueueIssued, "queue issued")                   \
  X(kFlush, "flush")                                \
  X(kTableGone, "table goes or moves")              \
  X(kOperationEnds, "threads change or upcalls open")

enum class PteEvent : uint32_t {
#define GUEST_ABI_ENUMERATOR(name, text) name,
  GUEST_ABI_PTE_EVENTS(GUEST_ABI_ENUMERATOR)
#undef GUEST_ABI_ENUMERATOR
      kCount
};

inline constexpr const char* kPteEventNames[] = {
#define GUEST_ABI_NAME(name, text) text,
    GUEST_ABI_PTE_EVENTS(GUEST_ABI_NAME)
#undef GUEST_ABI_NAME
};

inline constexpr unsigned kPteTraceDepth = 8;

struct PteEventRecord {
  PteEvent kind;
  uint32_t vcpu;
  uint64_t before;
  uint64_t after;
  uint64_t backtrace[kPteTraceDepth];  // return addresses, innermost first, 0: no more
};

// Lies in the accounting page of vCPU 0, written under the checker's lock.
struct PteRuleReport {
  uint32_t models;            // sum of PteModel bits; 0: nothing is checked
  uint32_t entries_followed;  // room of the checker's table
  uint64_t events;
  uint64_t events_not_judged;  // the checker's table was full
  // Of the hash table that is modelled: entries made, and how many others had to go for them;
  // batches of lazy mode that were invalidated.
  uint64_t hash_inserted;
  uint64_t hash_evicted;
  uint64_t hash_batches;
  uint64_t breaches[kPteRuleCount];
  // The first of them.
  PteRule rule;
  uint32_t reserved;
  uint64_t address;
  PteEventRecord first;
  PteEventRecord second;
};

}  // namespace guest_abi
