// The architectural state that a guest gives to a vCPU through hypercalls: what Xen keeps in
// struct pv_vcpu. Plain data; the vCPU's thread alone uses it, or the builder before it runs.
#pragma once

#include <array>
#include <cstdint>

#include "base/frame.h"
#include "machine/guest_registers.h"

namespace vmm {

struct TrapHandler {
  uint64_t address = 0;
  uint8_t privilege = 0;  // dpl: who may raise it by `int n`
  bool masks_events = false;
};

struct Callback {
  uint64_t address = 0;
  bool masks_events = false;
};

struct GuestCpu {
  GuestRegisters registers{};
  bool kernel_mode = true;
  // The GS bases must be exchanged before the next instruction at CPL3.
  bool gs_exchange_owed = false;
  std::array<TrapHandler, 256> trap_table;
  Callback event_callback, failsafe_callback, syscall_callback;
  uint64_t kernel_stack = 0;  // rsp for a trap that comes from user mode
  uint64_t debug_registers[8] = {};
  // set_gdt's frames, each held as a descriptor table; kInvalidMfn where there is none.
  std::array<pvmmu::Mfn, 14> descriptor_frames;
  uint64_t fs_base = 0;
  // Bases by mode, as the guest set them; GS is live in the processor.
  uint64_t gs_base_kernel = 0, gs_base_user = 0;
};

}  // namespace vmm
