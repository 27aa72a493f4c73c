// Known bugs that can be put back on purpose, to see that the tests catch each of them.
//
// A build with -DPVMMU_MUTANT=<name> has that one; every other build, the product's too, has none,
// and the compiler removes all traces. scripts/mutants builds them one by one and runs the tests;
// docs/mutants.md has the table. The numbers are those of Xen's security advisories, where there is
// one of that class.
#pragma once

#include <stdint.h>

namespace pvmmu {

// X(name, class, what is wrong)
#define PVMMU_MUTANTS(X)                                                                          \
  X(linear_entry_made_writable, "XSA-182", "RW of a same-level entry may be set without a check") \
  X(superpage_bit_ignored, "XSA-148", "the page-size bit of an L2 entry is not looked at")        \
  X(linear_chains_unlimited, "XSA-240", "same-level entries may follow each other")               \
  X(accessed_dirty_dropped, "I7", "MMU_PT_UPDATE_PRESERVE_AD does not preserve")                  \
  X(commit_without_compare, "I7", "an entry is stored whatever was set in it meanwhile")          \
  X(upper_level_flush_skipped, "XSA-286", "no flush after a change above L1")                     \
  X(contents_read_before_flush, "XSA-401",                                                        \
    "a table is validated before stale writers are flushed")                                      \
  X(type_kept_when_unused, "XSA-214", "a frame that nobody uses keeps its validated type")        \
  X(last_reference_without_teardown, "XSA-242", "the last reference goes, the entries' stay")     \
  X(no_progress_on_resume, "XSA-58", "a cut validation begins again and keeps what it took")      \
  X(partial_state_lost, "XSA-299", "a cut validation forgets that it holds its references")       \
  X(partial_child_lost, "XSA-310", "a cut teardown forgets the table it was in")                  \
  X(partial_type_reused, "XSA-309", "a table half validated counts as validated")                 \
  X(unaligned_entry_accepted, "XSA-227", "a store across two entries is carried out")             \
  X(multicall_goes_on_after_iret, "XSA-213", "the list goes on after it left kernel mode")        \
  X(resumed_request_read_again, "XSA-212",                                                        \
    "what a cut call resumes comes from the guest's memory")                                      \
  X(time_stamp_skipped, "XSA-241", "a frame's last use is not stamped")                           \
  X(reference_leaked_on_refusal, "XSA-113", "a refused promotion keeps its page reference")       \
  X(flush_by_new_type, "XSA-408", "the flush depends on the new type, not the last one")          \
  X(flush_of_any_address, "XSA-279", "a guest's address is flushed without being looked at")      \
  X(foreign_frame_mapped, "I4", "an L1 entry may name the hypervisor's frames")                   \
  X(user_bit_not_forced, "I5", "entries of the guest keep USER off")                              \
  X(reserved_slot_written, "I5", "a guest may write the last of the hypervisor's slots")          \
  X(write_without_types, "I3", "results are written to a frame whatever its type")                \
  X(stores_before_all_passed, "I6", "a promotion stores entries before it is sure to succeed")    \
  X(refused_request_skipped, "I6", "an array goes on after a request that was refused")           \
  X(count_limit_ignored, "I2", "counts grow beyond their limit")                                  \
  X(pinned_twice, "I2", "a pinned table can be pinned again")                                     \
  X(old_root_put_first, "I2", "the old base pointer goes before the new one was taken")           \
  X(change_not_announced, "coherence", "a shadow MMU is not told of a changed entry")             \
  X(stale_array_mapping, "I9", "an array is read through a mapping that it changed")              \
  X(read_only_written, "I9", "results are written through read-only mappings")                    \
  X(touch_not_locked, "coherence", "the touch of an entry is not a locked operation")

enum class Mutant : uint8_t {
  none,
#define PVMMU_MUTANT_ENUMERATOR(name, kind, text) name,
  PVMMU_MUTANTS(PVMMU_MUTANT_ENUMERATOR)
#undef PVMMU_MUTANT_ENUMERATOR
};

#ifdef PVMMU_MUTANT
inline constexpr Mutant kBuiltMutant = Mutant::PVMMU_MUTANT;
#else
inline constexpr Mutant kBuiltMutant = Mutant::none;
#endif

// Whether this build has that bug.
template <Mutant kMutant>
inline constexpr bool kMutated = kBuiltMutant == kMutant;

}  // namespace pvmmu
