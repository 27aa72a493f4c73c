// The guest's memory through a vCPU's current root, for hypercalls.
#pragma once

#include "hypercalls/services.h"
#include "machine/vcpu.h"

namespace vmm {

class GuestMemory final : public GuestAccess {
 public:
  explicit GuestMemory(Vcpu& vcpu) : vcpu_(vcpu) {}
  bool read(pvmmu::LinearAddr from, void* to, size_t size) override {
    return vcpu_.copy_from_guest(to, from, size);
  }
  bool write(pvmmu::LinearAddr to, const void* from, size_t size) override {
    return vcpu_.copy_to_guest(to, from, size);
  }

 private:
  Vcpu& vcpu_;
};

}  // namespace vmm
