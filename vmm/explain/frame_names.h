// The names of owners and kinds of users in reports.
#pragma once

#include "pvmmu/audit.h"
#include "pvmmu/page_info.h"

namespace vmm {

constexpr const char* owner_name(pvmmu::FrameOwner owner) {
  switch (owner) {
    case pvmmu::FrameOwner::kHypervisor:
      return "hypervisor";
    case pvmmu::FrameOwner::kDomain:
      return "domain";
    case pvmmu::FrameOwner::kShared:
      return "shared";
  }
  return "unknown";
}

constexpr const char* user_kind_name(pvmmu::FrameUser::Kind kind) {
  switch (kind) {
    case pvmmu::FrameUser::Kind::kEntry:
      return "entry";
    case pvmmu::FrameUser::Kind::kPin:
      return "pin";
    case pvmmu::FrameUser::Kind::kKernelBasePointer:
      return "kernel base pointer";
    case pvmmu::FrameUser::Kind::kUserBasePointer:
      return "user base pointer";
    case pvmmu::FrameUser::Kind::kVmm:
      return "VMM";
    case pvmmu::FrameUser::Kind::kDevice:
      return "accelerator";
  }
  return "unknown";
}

}  // namespace vmm
