// The monitor's part of every address space: its image, descriptor tables, stacks, direct map, and
// the read-only windows that guests see. Builds all of it in frames [0, frame_count()) before the
// first vCPU runs; afterwards only the VMM writes here.
//
// These frames belong to no domain, so the validator lets no guest entry refer to them.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "base/frame.h"
#include "guest_abi/monitor.h"
#include "machine/machine_memory.h"

struct kvm_sregs;

namespace vmm {

class MonitorSpace {
 public:
  // How many frames the monitor takes of a machine of `machine_frames` with `vcpu_count` vCPUs.
  static uint64_t frames_needed(uint64_t machine_frames, unsigned vcpu_count);
  // Builds the space. The memory must be zeroed and outlive this object.
  MonitorSpace(MachineMemory& memory, unsigned vcpu_count);

  uint64_t frame_count() const { return next_frame_; }
  // The L4 entry that every root carries in this slot (256..271); 0 for an empty one.
  uint64_t slot_entry(unsigned slot) const;
  // A root with nothing but the hypervisor's slots.
  pvmmu::Mfn idle_root() const { return idle_root_; }
  const guest_abi::MonitorHeader& entry_points() const { return header_; }
  uint64_t vector_of_stub(uint64_t rip) const;
  bool is_vector_stub(uint64_t rip) const;

  // Sets the segments, tables and control registers of a vCPU that starts at ring 0.
  void set_special_registers(unsigned vcpu, kvm_sregs& sregs) const;
  void set_ring0_segments(kvm_sregs& sregs) const;

  // Host views of a vCPU's own areas.
  uint64_t stack_top(unsigned vcpu) const;  // linear, of the RSP0 stack
  // The host's view of monitor stack memory, or nullptr if [address, +size) is not in one page of
  // this vCPU's stacks.
  std::byte* stack_memory(unsigned vcpu, uint64_t address, size_t size);
  std::span<uint64_t> touch_list(unsigned vcpu);
  uint64_t* m2p() { return m2p_; }
  uint64_t m2p_entries() const { return memory_.frame_count(); }
  // Shows a frame to the guest, writable, at a linear address in one of the hypervisor's slots.
  // Before any root carries the slots.
  void map_for_guest(uint64_t linear, pvmmu::Mfn frame);
  // Maps one of the guest's 14 descriptor-table frames (or the zero page) for a vCPU; returns where
  // the changed entry is.
  pvmmu::Maddr map_descriptor_frame(unsigned vcpu, unsigned index, pvmmu::Mfn frame);

 private:
  pvmmu::Mfn take_frame();
  uint64_t* table(pvmmu::Mfn mfn);
  void map_page(uint64_t linear, pvmmu::Mfn frame, uint64_t flags);
  uint64_t* leaf_entry(uint64_t linear);
  pvmmu::Mfn next_table(uint64_t& entry);
  void load_image();
  void build_m2p_windows();
  void build_direct_map();
  void build_idt();
  void build_vcpu(unsigned vcpu);
  void build_gdt(std::byte* page);
  std::byte* vcpu_page(unsigned vcpu, uint64_t offset);

  MachineMemory& memory_;
  unsigned vcpu_count_;
  uint64_t next_frame_ = 0;
  pvmmu::Mfn idle_root_;
  pvmmu::Mfn zero_frame_;
  guest_abi::MonitorHeader header_{};
  uint64_t* m2p_ = nullptr;
};

}  // namespace vmm
