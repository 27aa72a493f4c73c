#include "sim/host_pages.h"

#include <sys/mman.h>

#include <cerrno>

namespace vmm {

absl::StatusOr<HostPages> HostPages::create(size_t size) {
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap of the simulator's pages");
  HostPages pages;
  pages.base_ = static_cast<std::byte*>(base);
  pages.size_ = size;
  return pages;
}

void HostPages::close(size_t offset, size_t size) {
  (void)mprotect(base_ + offset, size, PROT_NONE);
}

HostPages::~HostPages() {
  if (base_ != nullptr) munmap(base_, size_);
}

}  // namespace vmm
