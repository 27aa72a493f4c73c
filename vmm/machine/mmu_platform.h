// The machine as the MMU sees it: entries in memory, and the visibility of their changes.
//
// On a shadow-paging KVM a changed entry counts as visible after ring 0 touched it; the addresses
// of such entries are collected here until the next flush or entry of any vCPU, whichever is first.
//
// A frame that was once a table may still have a shadow in the KVM. If the host wrote to such a
// frame since (processors' own writes are seen by the KVM), its shadow is stale, and every entry is
// touched when it becomes a table again.
//
// Locks: everything is called with the domain's lock held.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "machine/accelerator_device.h"
#include "machine/machine_memory.h"
#include "machine/monitor_space.h"
#include "machine/preemption.h"
#include "machine/processor.h"
#include "pvmmu/page_info.h"
#include "pvmmu/platform.h"
#include "trace/trace.h"

namespace vmm {

class MmuPlatform final : public pvmmu::Platform {
 public:
  MmuPlatform(MachineMemory& memory, MonitorSpace& monitor, bool shadow_paging);

  // The processors, once they exist. Until then nobody can hold a translation.
  void set_processors(std::span<const std::unique_ptr<Processor>> processors);
  void set_preemption(Preemption& preemption) { preemption_ = &preemption; }
  void set_work_points(WorkPoints* points) { work_points_ = points; }
  // The MMU's frame table, to look at.
  void set_frame_table(std::span<const pvmmu::PageInfo> frames) { frames_ = frames; }
  // Its entries are part of the recount.
  void set_accelerator(AcceleratorDevice& accelerator) { accelerator_ = &accelerator; }
  // Whether a root has the hypervisor's slots, and will while the lock is held.
  bool is_live_root(pvmmu::Mfn root) const;
  // Whose request is being served: flushes of that vCPU are paid when it next enters.
  void set_current(unsigned vcpu) {
    current_ = vcpu;
    if (trace_ != nullptr) trace_->set_current(vcpu);
  }
  // From now on the MMU's work is traced.
  void set_trace(Trace* trace) {
    trace_ = trace;
    observe(trace);
  }

  // The entries to touch on the way into the guest (one vCPU), leaving none.
  std::vector<uint64_t> take_touches();
  // Touches them now, on the current vCPU's processor (several vCPUs).
  void finish_touches();
  uint64_t touch_count() const { return touch_count_; }
  // How many entries were written so far.
  uint64_t change_count() const { return change_count_; }
  // The host wrote to a frame by other means than this interface.
  void note_host_write(pvmmu::Mfn frame);
  // Set when the monitor failed to touch; the machine must stop.
  const absl::Status& status() const { return status_; }

  uint64_t read_entry(pvmmu::Mfn table, unsigned index) override;
  void read_entries(pvmmu::Mfn table, std::span<uint64_t> entries) override;
  bool compare_exchange_entry(pvmmu::Mfn table, unsigned index, uint64_t& expected,
                              uint64_t desired) override;
  void read_bytes(pvmmu::Maddr from, void* to, size_t size) override;
  void write_bytes(pvmmu::Maddr to, const void* from, size_t size) override;
  void write_m2p(pvmmu::Mfn frame, pvmmu::Pfn pfn) override;
  void entry_changed(pvmmu::Mfn table, unsigned index) override;
  void frame_becomes_table(pvmmu::Mfn table) override;
  void flush_tlb(pvmmu::VcpuMask vcpus, pvmmu::TlbFlush what) override;
  pvmmu::VcpuMask all_vcpus() override;
  uint64_t hypervisor_slot_entry(unsigned slot) override;
  uint32_t allow_steps(bool resumed, uint64_t steps) override;
  std::span<const pvmmu::Mfn> device_frames() override;

 private:
  struct ShadowState {
    bool was_table = false;
    bool host_wrote = false;
  };
  uint64_t* entry(pvmmu::Mfn table, unsigned index);
  void at(WorkPoint point) {
    if (work_points_ != nullptr) work_points_->at(point);
  }

  MachineMemory& memory_;
  MonitorSpace& monitor_;
  const bool shadow_paging_;
  Preemption* preemption_ = nullptr;  // none while the domain is built
  AcceleratorDevice* accelerator_ = nullptr;
  WorkPoints* work_points_ = nullptr;
  std::span<const std::unique_ptr<Processor>> processors_;
  std::span<const pvmmu::PageInfo> frames_;
  unsigned current_ = 0;
  Trace* trace_ = nullptr;
  std::vector<uint64_t> touches_;
  std::vector<ShadowState> shadow_;
  uint64_t touch_count_ = 0;
  uint64_t change_count_ = 0;
  absl::Status status_;
};

}  // namespace vmm
