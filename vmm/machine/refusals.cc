// What is kept of refused requests.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "explain/refusal_text.h"
#include "machine/domain.h"
#include "machine/vcpu.h"
#include "pvmmu/mmu.h"

namespace vmm {

using pvmmu::LinearAddr;

void Domain::note_refusal(unsigned vcpu, const pvmmu::Refusal& refusal,
                          absl::FunctionRef<AskedFor()> asked) {
  if (spdlog::should_log(spdlog::level::debug)) {
    spdlog::debug("vCPU {}: refused {}", vcpu, refusal_line(refusal));
  }
  refusals_.add(live_frames(), vcpu, refusal, asked);
}

void Vcpu::note_refusal(const pvmmu::Refusal& refusal, uint64_t number,
                        const uint64_t (&arguments)[6]) {
  domain_.note_refusal(id_, refusal, [&] { return asked_for(refusal, number, arguments); });
}

// Reads what the guest's tables lead to, and leaves no mark in them.
bool Vcpu::look_at_guest(LinearAddr from, void* to, size_t size) {
  auto* bytes = static_cast<std::byte*>(to);
  while (size != 0) {
    const pvmmu::WalkResult walk = domain_.mmu().walk(root(), from, pvmmu::Access{});
    const size_t chunk = std::min<size_t>(size, pvmmu::kPageSize - from.offset());
    const std::byte* place = walk.ok ? domain_.memory().range(walk.address, chunk) : nullptr;
    if (place == nullptr) return false;
    std::memcpy(bytes, place, chunk);
    bytes += chunk;
    from = from + chunk;
    size -= chunk;
  }
  return true;
}

AskedFor Vcpu::asked_for(const pvmmu::Refusal& refusal, uint64_t number,
                         const uint64_t (&arguments)[6]) {
  AskedFor asked;
  switch (number) {
    case __HYPERVISOR_mmu_update: {
      mmu_update_t request;
      const LinearAddr place(arguments[0] + refusal.request * sizeof(request));
      if (!look_at_guest(place, &request, sizeof(request))) break;
      asked.place = pvmmu::Maddr(request.ptr);
      asked.value = request.val;
      break;
    }
    case __HYPERVISOR_mmuext_op: {
      mmuext_op_t operation;
      const LinearAddr place(arguments[0] + refusal.request * sizeof(operation));
      if (!look_at_guest(place, &operation, sizeof(operation))) break;
      // The others name an address or nothing.
      if (operation.cmd <= MMUEXT_NEW_BASEPTR || operation.cmd == MMUEXT_NEW_USER_BASEPTR ||
          operation.cmd == MMUEXT_CLEAR_PAGE || operation.cmd == MMUEXT_COPY_PAGE) {
        asked.frame = pvmmu::Mfn(operation.arg1.mfn);
      }
      break;
    }
    case __HYPERVISOR_update_va_mapping:
      asked.value = arguments[1];
      break;
    case __HYPERVISOR_update_descriptor:
      asked.place = pvmmu::Maddr(arguments[0]);
      asked.value = arguments[1];
      break;
    default:
      break;
  }
  return asked;
}

}  // namespace vmm
