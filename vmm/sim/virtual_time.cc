#include "sim/virtual_time.h"

#include <algorithm>
#include <utility>

namespace vmm {

void VirtualTime::start(unsigned vcpu_count, std::function<void(VcpuId)> expired) {
  deadlines_.resize(vcpu_count);
  expired_ = std::move(expired);
}

void VirtualTime::set_timer(VcpuId vcpu, uint64_t deadline) {
  deadlines_[vcpu_index(vcpu)] = deadline;
  find_earliest();
}

void VirtualTime::stop_timer(VcpuId vcpu) {
  deadlines_[vcpu_index(vcpu)].reset();
  find_earliest();
}

void VirtualTime::stop() {
  std::fill(deadlines_.begin(), deadlines_.end(), std::nullopt);
  find_earliest();
}

std::optional<uint64_t> VirtualTime::next_deadline() const {
  if (earliest_ == UINT64_MAX) return std::nullopt;
  return earliest_;
}

void VirtualTime::find_earliest() {
  earliest_ = UINT64_MAX;
  for (const auto& deadline : deadlines_) {
    if (deadline) earliest_ = std::min(earliest_, *deadline);
  }
}

void VirtualTime::fire_due() {
  for (unsigned vcpu = 0; vcpu < deadlines_.size(); ++vcpu) {
    if (!deadlines_[vcpu] || *deadlines_[vcpu] > now_) continue;
    deadlines_[vcpu].reset();
    find_earliest();
    expired_(VcpuId{vcpu});
  }
}

}  // namespace vmm
