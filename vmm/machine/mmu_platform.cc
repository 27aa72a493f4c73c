#include "machine/mmu_platform.h"

#include <atomic>
#include <cstring>
#include <utility>

#include "base/level.h"

namespace vmm {

using pvmmu::Maddr;
using pvmmu::Mfn;

MmuPlatform::MmuPlatform(MachineMemory& memory, MonitorSpace& monitor, bool shadow_paging)
    : memory_(memory), monitor_(monitor), shadow_paging_(shadow_paging) {
  if (shadow_paging_) shadow_.resize(memory.frame_count());
}

void MmuPlatform::set_processors(std::span<const std::unique_ptr<Processor>> processors) {
  processors_ = processors;
}

uint64_t* MmuPlatform::entry(Mfn table, unsigned index) {
  return reinterpret_cast<uint64_t*>(memory_.frame(table)) + index;
}

uint64_t MmuPlatform::read_entry(Mfn table, unsigned index) {
  return std::atomic_ref(*entry(table, index)).load(std::memory_order_acquire);
}

void MmuPlatform::read_entries(Mfn table, std::span<uint64_t> entries) {
  uint64_t* const from = entry(table, 0);
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i] = std::atomic_ref(from[i]).load(std::memory_order_acquire);
  }
}

bool MmuPlatform::compare_exchange_entry(Mfn table, unsigned index, uint64_t& expected,
                                         uint64_t desired) {
  at(WorkPoint::kCompareExchange);
  ++change_count_;
  return std::atomic_ref(*entry(table, index)).compare_exchange_strong(expected, desired);
}

void MmuPlatform::read_bytes(Maddr from, void* to, size_t size) {
  std::memcpy(to, memory_.range(from, size), size);
}

void MmuPlatform::write_bytes(Maddr to, const void* from, size_t size) {
  if (size == sizeof(uint64_t) && to.raw() % sizeof(uint64_t) == 0) {
    // One store: it may be a descriptor that a processor is about to read.
    uint64_t value;
    std::memcpy(&value, from, sizeof(value));
    std::atomic_ref(*reinterpret_cast<uint64_t*>(memory_.range(to, size))).store(value);
  } else {
    std::memcpy(memory_.range(to, size), from, size);
  }
  note_host_write(to.frame());
}

void MmuPlatform::note_host_write(Mfn frame) {
  if (shadow_paging_ && shadow_[frame.raw()].was_table) shadow_[frame.raw()].host_wrote = true;
}

void MmuPlatform::write_m2p(Mfn frame, pvmmu::Pfn pfn) {
  monitor_.m2p()[frame.raw()] = pfn.raw();
}

void MmuPlatform::entry_changed(Mfn table, unsigned index) {
  if (!shadow_paging_) return;
  touches_.push_back(Maddr(table, index * sizeof(uint64_t)).raw());
}

void MmuPlatform::frame_becomes_table(Mfn table) {
  if (!shadow_paging_) return;
  ShadowState& state = shadow_[table.raw()];
  if (state.was_table && state.host_wrote) {
    for (unsigned i = 0; i < pvmmu::kEntriesPerTable; ++i) entry_changed(table, i);
  }
  state = {.was_table = true, .host_wrote = false};
}

bool MmuPlatform::is_live_root(Mfn root) const {
  if (root == monitor_.idle_root()) return true;
  if (root.raw() >= frames_.size()) return false;
  const pvmmu::PageInfo& page = frames_[root.raw()];
  return page.type == pvmmu::PageType::kL4 && page.whole();
}

std::vector<uint64_t> MmuPlatform::take_touches() {
  touch_count_ += touches_.size();
  return std::exchange(touches_, {});
}

void MmuPlatform::finish_touches() {
  if (touches_.empty() || processors_.empty()) return;
  touch_count_ += touches_.size();
  Processor& processor = *processors_[current_];
  if (!is_live_root(processor.hardware_root())) processor.move_to_root(monitor_.idle_root());
  status_.Update(processor.touch(touches_));
  touches_.clear();
}

void MmuPlatform::flush_tlb(pvmmu::VcpuMask vcpus, pvmmu::TlbFlush what) {
  at(WorkPoint::kFlush);
  if (processors_.size() > 1) finish_touches();
  for (unsigned i = 0; i < processors_.size(); ++i) {
    if ((vcpus & (pvmmu::VcpuMask{1} << i)) == 0) continue;
    if (what.all) {
      processors_[i]->owe_flush();
    } else {
      processors_[i]->owe_flush_of_page(what.address);
    }
    if (i == current_) continue;
    if (processors_[i]->in_guest()) processors_[i]->kick();
    at(WorkPoint::kKick);
  }
  for (unsigned i = 0; i < processors_.size(); ++i) {
    if (i != current_ && (vcpus & (pvmmu::VcpuMask{1} << i)) != 0) {
      processors_[i]->wait_until_flushed();
    }
  }
}

pvmmu::VcpuMask MmuPlatform::all_vcpus() {
  const size_t count = processors_.size();
  return count >= pvmmu::kMaxVcpus ? ~pvmmu::VcpuMask{0} : (pvmmu::VcpuMask{1} << count) - 1;
}

uint64_t MmuPlatform::hypervisor_slot_entry(unsigned slot) {
  return monitor_.slot_entry(slot);
}

std::span<const Mfn> MmuPlatform::device_frames() {
  return accelerator_ == nullptr ? std::span<const Mfn>{} : accelerator_->frames();
}

uint32_t MmuPlatform::allow_steps(bool resumed, uint64_t steps) {
  return preemption_ == nullptr ? kManySteps : preemption_->allow_steps(resumed, steps);
}

}  // namespace vmm
