// The VMM's view of a vCPU's accounting pages, which the guest registered and writes. Read only;
// the values are the guest's and trusted for nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "guest_abi/accounting.h"

namespace vmm {

class GuestAccounting {
 public:
  // Host views of two frames that the domain keeps a reference on.
  void attach(const std::byte* page, const std::byte* operations) {
    page_ = page;
    operations_ = operations;
  }
  bool attached() const { return page_ != nullptr; }
  // What the guest is doing now; 0 without pages, or where the guest wrote nonsense.
  uint32_t phase() const;
  uint32_t operation() const;
  std::optional<guest_abi::AccountingPage> page() const;
  std::optional<guest_abi::AccountingOperations> operations() const;

 private:
  const std::byte* page_ = nullptr;
  const std::byte* operations_ = nullptr;
};

}  // namespace vmm
