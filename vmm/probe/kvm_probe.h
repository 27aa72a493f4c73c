// The start-up probe: runs a few instructions in a scratch VM and finds out how this machine's KVM
// behaves where KVMs differ. Takes some milliseconds.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "machine/kvm_traits.h"

namespace vmm {

// Measures /dev/kvm. An error says why this KVM cannot be used.
absl::StatusOr<KvmTraits> probe_kvm();

// What the traits mean, in words for people (several lines).
std::string describe(const KvmTraits& traits);
// The same for machines: one JSON object on one line.
std::string to_json(const KvmTraits& traits);

}  // namespace vmm
