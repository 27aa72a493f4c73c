#include "machine/machine_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "kvm/kvm_vm.h"

namespace vmm {

absl::StatusOr<MachineMemory> MachineMemory::create(uint64_t frame_count) {
  MachineMemory memory;
  const size_t size = frame_count << pvmmu::kPageShift;
  // Populated here, so that the first touch by the guest does not cost a host fault each.
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1, 0);
  if (base == MAP_FAILED) return errno_status("mmap of the machine's memory", errno);
  memory.base_ = static_cast<std::byte*>(base);
  memory.size_ = size;
  return memory;
}

MachineMemory::MachineMemory(MachineMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(other.size_) {}

MachineMemory::~MachineMemory() {
  if (base_ != nullptr) munmap(base_, size_);
}

}  // namespace vmm
