#include "cli/kvm_choice.h"

#include "absl/strings/str_cat.h"
#include "cli/messages.h"
#include "probe/kvm_probe.h"

namespace vmm {
namespace {

absl::StatusOr<KvmPlace> host_place(const char* name) {
  absl::StatusOr<KvmTraits> traits = probe_kvm();
  if (!traits.ok()) {
    return absl::UnavailableError(
        absl::StrCat("this machine's /dev/kvm is unusable: ", traits.status().message()));
  }
  return KvmPlace{.nested = false, .npt = true, .traits = *std::move(traits), .name = name};
}

KvmPlace nested_place(bool npt) {
  return {.nested = true, .npt = npt, .traits = {}, .name = "nested"};
}

absl::StatusOr<KvmPlace> automatic_place() {
  absl::StatusOr<KvmPlace> host = host_place("host");
  if (host.ok()) {
    say("running on this machine's /dev/kvm, which the probe found usable");
    return host;
  }
  say(absl::StrCat("running in the nested bed, because ", host.status().message()));
  return nested_place(true);
}

}  // namespace

absl::StatusOr<KvmPlace> choose_kvm(KvmChoice choice) {
  switch (choice) {
    case KvmChoice::kAuto:
      return automatic_place();
    case KvmChoice::kHost:
      return host_place("host");
    case KvmChoice::kBed:
      return host_place("nested");
    case KvmChoice::kNested:
      return nested_place(true);
    case KvmChoice::kNestedShadow:
      return nested_place(false);
  }
  return absl::InternalError("no such choice of KVM");
}

}  // namespace vmm
