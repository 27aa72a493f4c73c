// One step of a sequence: what a vCPU, or the VMM, does to the small domain.
//
// A step is data and nothing else, so that sequences can be made at random, shrunk, printed, parsed
// and decoded from a fuzzer's bytes. Any value in any field is a step that can be carried out.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "abi/xen.h"
#include "pvmmu/page_info.h"
#include "pvmmu/write_operation.h"
#include "small_domain.h"

namespace pvmmu::model {

// X(enumerator, name in the text form)
#define PVMMU_MODEL_STEPS(X)                                                                       \
  X(kUpdate, "update")         /* mmu_update with `requests` {ptr, val}                        */  \
  X(kExt, "ext")               /* mmuext_op with `requests` {cmd, arg1, arg2}                  */  \
  X(kVaMapping, "va")          /* update_va_mapping address value flags                        */  \
  X(kEmulate, "emulate")       /* a store at `address` that faulted: `operation`               */  \
  X(kDescriptor, "descriptor") /* update_descriptor address value                              */  \
  X(kStore, "store")           /* the guest's own 8-byte store of `value` at `address`         */  \
  X(kRead, "read")             /* the VMM reads `value` bytes at `address` for the vCPU        */  \
  X(kWrite, "write")           /* ... writes `value` bytes                                     */  \
  X(kPoke, "poke")             /* the VMM, holding a writable reference, stores `value` in     */  \
                               /* the word at the machine address `address`                    */  \
  X(kGetWritable, "get_writable") /* the VMM's references on frame `address`                   */  \
  X(kPutWritable, "put_writable")                                                                  \
  X(kGetDescriptors, "get_descriptors")                                                            \
  X(kPutDescriptors, "put_descriptors")                                                            \
  X(kReload, "reload")    /* the vCPU loads its base pointer, and the MMU hears of it           */ \
  X(kSetBase, "set_base") /* the VMM puts the vCPU on frames `address` and `value` (0: none)   */  \
  X(kDropBase, "drop_base")

enum class StepKind : uint8_t {
#define PVMMU_MODEL_STEP_ENUMERATOR(name, text) name,
  PVMMU_MODEL_STEPS(PVMMU_MODEL_STEP_ENUMERATOR)
#undef PVMMU_MODEL_STEP_ENUMERATOR
      kCount
};

inline constexpr const char* kStepNames[] = {
#define PVMMU_MODEL_STEP_NAME(name, text) text,
    PVMMU_MODEL_STEPS(PVMMU_MODEL_STEP_NAME)
#undef PVMMU_MODEL_STEP_NAME
};

// An element of an array of requests: {ptr, val} or {cmd, arg1, arg2}.
struct Request {
  uint64_t first = 0;
  uint64_t second = 0;
  uint64_t third = 0;
  friend bool operator==(const Request&, const Request&) = default;
};

// While the step is carried out, just before the hypervisor replaces this entry for the first time,
// a processor sets `bits` (Accessed, Dirty) in it, if the entry is present.
struct Race {
  uint64_t frame = 0;
  unsigned slot = 0;
  uint64_t bits = 0;  // 0: no race
  friend bool operator==(const Race&, const Race&) = default;
};

struct Step {
  StepKind kind = StepKind::kUpdate;
  unsigned vcpu = 0;
  bool user = false;  // kEmulate, kStore, kRead, kWrite: through the user base pointer
  std::vector<Request> requests;
  uint32_t count = 0;  // what the guest says is the number of requests
  uint64_t array = address_of(kArrayFrame);
  uint64_t done = address_of(kDoneFrame);
  uint32_t foreigndom = DOMID_SELF;
  uint64_t address = 0;
  uint64_t value = 0;
  uint64_t flags = 0;
  WriteOperation operation{};
  Race race{};
};

// A whole sequence and the domain that it starts from.
struct Scenario {
  unsigned vcpus = 2;  // 1..kMostVcpus
  uint32_t count_limit = kCountLimit;
  std::vector<Step> steps;
};

constexpr bool has_array(StepKind kind) {
  return kind == StepKind::kUpdate || kind == StepKind::kExt;
}
constexpr bool is_hypercall(StepKind kind) {
  return kind <= StepKind::kDescriptor;
}
constexpr uint64_t element_size(StepKind kind) {
  return kind == StepKind::kUpdate ? sizeof(::mmu_update) : sizeof(::mmuext_op);
}
// Steps in which the processor's race with the hypervisor has one meaning: one entry is changed.
inline bool may_race(const Step& step) {
  return step.kind == StepKind::kVaMapping || step.kind == StepKind::kEmulate ||
         (step.kind == StepKind::kUpdate && step.requests.size() == 1 && step.count == 1);
}

}  // namespace pvmmu::model
