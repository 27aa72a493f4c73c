// Anonymous pages of the host, zeroed, for stacks and views.
#pragma once

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

namespace vmm {

class HostPages {
 public:
  HostPages() = default;
  // Backed by memory as they are touched.
  static absl::StatusOr<HostPages> create(size_t size);
  HostPages(HostPages&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(other.size_) {}
  HostPages& operator=(HostPages&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~HostPages();

  // No access to these pages any more. Best effort: a guard.
  void close(size_t offset, size_t size);

  std::byte* base() const { return base_; }
  size_t size() const { return size_; }

 private:
  std::byte* base_ = nullptr;
  size_t size_ = 0;
};

}  // namespace vmm
