// Bugs that can be planted in the kernel on purpose, to see that random workloads find each of
// them, and races, to see that the search for interleavings does.
//
// Only the copy of the simulated kernel that a test links (KERNEL_PLANTED_BUGS) has them, one at a
// time; in every other build, the image's and the program's too, planted() is false and the
// compiler removes all traces. docs/workload-fuzzing.md and docs/explore.md say what they become
// when they are found.
#pragma once

namespace kernel {

// X(name, what is wrong)
#define KERNEL_PLANTED_BUG_LIST(X)                                                 \
  X(move_loses_dirty, "a moved entry loses its Accessed and Dirty bits")           \
  X(fork_one_side, "fork write-protects the child's side of a shared page alone")  \
  X(protect_ignores_sharing, "mprotect makes pages writable that others have too") \
  X(writeback_leaves_writable, "a page that was written back can be written unnoticed")

// X(name, workload that shows it and the flags that it needs, what is wrong)
#define KERNEL_PLANTED_RACE_LIST(X)                                                          \
  X(pin_unlocked, "race-pin", "tables are pinned without their locks")                       \
  X(unlock_early, "race-pin", "a table's lock is released before the batch is issued")       \
  X(flush_early, "race-reuse", "translations are flushed before the entry is zapped")        \
  X(fault_unchecked, "race-device", "a secondary fault establishes what it found unchecked") \
  X(faults_unmarked, "race-device --notifier-protocol=recall",                               \
    "a recall does not heed faults under way")                                               \
  X(put_early, "race-device --notifier-protocol=recall",                                     \
    "pages are given back before the device let go")

enum class PlantedBug : unsigned char {
  none,
#define KERNEL_PLANTED_BUG_ENUMERATOR(name, text) name,
  KERNEL_PLANTED_BUG_LIST(KERNEL_PLANTED_BUG_ENUMERATOR)
#undef KERNEL_PLANTED_BUG_ENUMERATOR
#define KERNEL_PLANTED_RACE_ENUMERATOR(name, workload, text) name,
      KERNEL_PLANTED_RACE_LIST(KERNEL_PLANTED_RACE_ENUMERATOR)
#undef KERNEL_PLANTED_RACE_ENUMERATOR
};

#ifdef KERNEL_PLANTED_BUGS
inline PlantedBug planted_bug = PlantedBug::none;
inline bool planted(PlantedBug bug) {
  return planted_bug == bug;
}
#else
constexpr bool planted(PlantedBug) {
  return false;
}
#endif

}  // namespace kernel
