// Where the guest runs: on this machine's KVM, or on the one of the nested bed.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "machine/kvm_traits.h"

namespace vmm {

enum class KvmChoice {
  kAuto,          // the host's if the probe likes it, else nested
  kHost,          // this machine's /dev/kvm
  kNested,        // nested paging
  kNestedShadow,  // the bed's KVM with shadow paging
  kBed,           // what the program is told inside the bed: its /dev/kvm, reported as nested
};

struct KvmPlace {
  bool nested = false;        // run this program again inside the bed
  bool npt = true;            // of the bed
  KvmTraits traits;           // of the KVM here, unless nested
  const char* name = "host";  // as the statistics call it
};

// The place of runs that need no KVM.
inline KvmPlace no_kvm() {
  return {.nested = false, .npt = true, .traits = {}, .name = "none"};
}

// Probes where that is needed. With kAuto, says on standard error which it took and why.
absl::StatusOr<KvmPlace> choose_kvm(KvmChoice choice);

}  // namespace vmm
