#include "machine/machine_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <numeric>
#include <utility>

#include "kvm/kvm_vm.h"

namespace vmm {

absl::StatusOr<MachineMemory> MachineMemory::create(uint64_t frame_count) {
  // Populated here, so that the first touch by the guest does not cost a host fault each.
  return map(frame_count, MAP_POPULATE);
}

absl::StatusOr<MachineMemory> MachineMemory::create_unpopulated(uint64_t frame_count) {
  return map(frame_count, 0);
}

absl::StatusOr<MachineMemory> MachineMemory::map(uint64_t frame_count, int populate) {
  MachineMemory memory;
  const size_t size = frame_count << pvmmu::kPageShift;
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | populate, -1, 0);
  if (base == MAP_FAILED) return errno_status("mmap of the machine's memory", errno);
  memory.base_ = static_cast<std::byte*>(base);
  memory.size_ = size;
  return memory;
}

MachineMemory::MachineMemory(MachineMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      size_(other.size_),
      places_(std::move(other.places_)),
      lent_(std::move(other.lent_)) {}

MachineMemory::~MachineMemory() {
  if (base_ != nullptr) munmap(base_, size_);
}

void MachineMemory::arrange(pvmmu::Mfn first, std::span<const pvmmu::Mfn> order) {
  places_.resize(frame_count());
  std::iota(places_.begin(), places_.end(), 0u);
  for (size_t i = 0; i < order.size(); ++i) {
    places_[order[i].raw()] = static_cast<uint32_t>(first.raw() + i);
  }
}

pvmmu::Mfn MachineMemory::lend(std::byte* pages, uint64_t count) {
  const pvmmu::Mfn first(frame_limit());
  for (uint64_t i = 0; i < count; ++i) lent_.push_back(pages + (i << pvmmu::kPageShift));
  return first;
}

}  // namespace vmm
