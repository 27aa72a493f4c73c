#include "machine/monitor_space.h"

#include <linux/kvm.h>

#include <cstring>

#include "base/level.h"
#include "base/linear_addr.h"
#include "base/pte.h"

extern "C" const std::byte vmm_monitor_image_start[];
extern "C" const std::byte vmm_monitor_image_end[];

namespace vmm {
namespace {

using pvmmu::kPageShift;
using pvmmu::kPageSize;
using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::PtLevel;

// Accessed and Dirty are preset: nobody tracks these pages, and a shadow MMU faults them in faster.
constexpr uint64_t kTableFlags =
    pvmmu::kPtePresent | pvmmu::kPteWritable | pvmmu::kPteUser | pvmmu::kPteAccessed;
constexpr uint64_t kSupervisorCode = pvmmu::kPtePresent | pvmmu::kPteAccessed | pvmmu::kPteDirty;
constexpr uint64_t kSupervisorData = kSupervisorCode | pvmmu::kPteWritable | pvmmu::kPteNoExecute;
constexpr uint64_t kUserCode = kSupervisorCode | pvmmu::kPteUser;
constexpr uint64_t kUserReadOnly = kUserCode | pvmmu::kPteNoExecute;

constexpr uint64_t kLargePage = uint64_t{1} << 21;
constexpr unsigned kReservedGdtPage = 14;
constexpr unsigned kGdtPages = 16;
constexpr unsigned kFaultStacks = 4;

// Interrupt stack table slots: events that may come while rsp is not the monitor's.
unsigned ist_of_vector(unsigned vector) {
  switch (vector) {
    case 8:
      return 1;  // #DF
    case 2:
      return 2;  // NMI
    case 18:
      return 3;  // #MC
    case 1:
      return 4;  // #DB
    default:
      return 0;
  }
}

struct IdtGate {
  uint16_t offset_low, selector;
  uint8_t ist, type;
  uint16_t offset_middle;
  uint32_t offset_high, reserved;
};
static_assert(sizeof(IdtGate) == 16);

struct [[gnu::packed]] TaskState {
  uint32_t reserved0;
  uint64_t rsp[3];
  uint64_t reserved1;
  uint64_t ist[7];
  uint64_t reserved2;
  uint16_t reserved3, io_map_base;
};
static_assert(sizeof(TaskState) == 104);

uint64_t vcpu_area(unsigned vcpu) {
  return guest_abi::kMonitorVcpuBase + vcpu * guest_abi::kMonitorVcpuStride;
}

kvm_segment flat_segment(uint16_t selector, bool code) {
  kvm_segment segment{};
  segment.limit = 0xffff'ffff;
  segment.selector = selector;
  segment.type = code ? 0xb : 0x3;
  segment.present = 1;
  segment.s = 1;
  segment.l = code;
  segment.db = !code;
  segment.g = 1;
  return segment;
}

}  // namespace

uint64_t MonitorSpace::frames_needed(uint64_t machine_frames, unsigned vcpu_count) {
  const uint64_t m2p_pages = (machine_frames * 8 + kPageSize - 1) / kPageSize;
  const uint64_t m2p_tables = 2 + m2p_pages / 512 + 1;
  const uint64_t direct_tables = 1 + (machine_frames >> 18) + 1;
  const uint64_t vcpu_tables = 2 + vcpu_count / 4 + 2;
  const uint64_t fixed = 2 /* image */ + 1 /* idt */ + 1 /* zero */ + 1 /* root */ + 4 /* gate */;
  return fixed + m2p_pages + m2p_tables + direct_tables + vcpu_tables + vcpu_count * 9u;
}

MonitorSpace::MonitorSpace(MachineMemory& memory, unsigned vcpu_count)
    : memory_(memory), vcpu_count_(vcpu_count) {
  idle_root_ = take_frame();
  zero_frame_ = take_frame();
  load_image();
  build_m2p_windows();
  build_direct_map();
  build_idt();
  for (unsigned vcpu = 0; vcpu < vcpu_count; ++vcpu) build_vcpu(vcpu);
}

Mfn MonitorSpace::take_frame() {
  return Mfn(next_frame_++);
}

uint64_t* MonitorSpace::table(Mfn mfn) {
  return reinterpret_cast<uint64_t*>(memory_.frame(mfn));
}

uint64_t MonitorSpace::slot_entry(unsigned slot) const {
  return reinterpret_cast<const uint64_t*>(memory_.frame(idle_root_))[slot];
}

Mfn MonitorSpace::next_table(uint64_t& entry) {
  if ((entry & pvmmu::kPtePresent) == 0) {
    entry = pvmmu::L4Pte(take_frame(), kTableFlags).raw();
  }
  return pvmmu::L4Pte(entry).frame();
}

uint64_t* MonitorSpace::leaf_entry(uint64_t linear) {
  const LinearAddr address(linear);
  Mfn current = idle_root_;
  for (PtLevel level : {PtLevel::kL4, PtLevel::kL3, PtLevel::kL2}) {
    current = next_table(table(current)[address.index(level)]);
  }
  return &table(current)[address.index(PtLevel::kL1)];
}

void MonitorSpace::map_page(uint64_t linear, Mfn frame, uint64_t flags) {
  *leaf_entry(linear) = pvmmu::L1Pte(frame, flags).raw();
}

void MonitorSpace::map_for_guest(uint64_t linear, Mfn frame) {
  map_page(linear, frame, kUserReadOnly | pvmmu::kPteWritable);
}

void MonitorSpace::load_image() {
  const size_t size = static_cast<size_t>(vmm_monitor_image_end - vmm_monitor_image_start);
  static_assert(sizeof(header_) <= kPageSize);
  std::memcpy(&header_, vmm_monitor_image_start, sizeof(header_));
  const size_t pages = size / kPageSize;
  for (size_t page = 0; page < pages; ++page) {
    const Mfn frame = take_frame();
    std::memcpy(memory_.frame(frame), vmm_monitor_image_start + page * kPageSize, kPageSize);
    const bool gate = page + 1 == pages;
    if (gate) {
      map_page(guest_abi::kGatePage, frame, kUserCode);
    } else {
      map_page(guest_abi::kMonitorText + page * kPageSize, frame, kSupervisorCode);
    }
  }
}

void MonitorSpace::build_m2p_windows() {
  const uint64_t pages = (memory_.frame_count() * 8 + kPageSize - 1) / kPageSize;
  const Mfn first = Mfn(next_frame_);
  next_frame_ += pages;
  m2p_ = table(first);
  for (uint64_t i = 0; i < pages * (kPageSize / 8); ++i) m2p_[i] = ~uint64_t{0};
  for (uint64_t page = 0; page < pages; ++page) {
    map_page(guest_abi::kM2pBase + page * kPageSize, first + page, kUserReadOnly);
  }
  // Xen's own place for it shares the tables below.
  uint64_t* root = table(idle_root_);
  root[LinearAddr(guest_abi::kM2pXenBase).index(PtLevel::kL4)] =
      root[LinearAddr(guest_abi::kM2pBase).index(PtLevel::kL4)];
}

void MonitorSpace::build_direct_map() {
  const uint64_t bytes = memory_.size();
  for (uint64_t address = 0; address < bytes; address += kLargePage) {
    const LinearAddr linear(guest_abi::kMonitorDirectMap + address);
    const Mfn l3 = next_table(table(idle_root_)[linear.index(PtLevel::kL4)]);
    const Mfn l2 = next_table(table(l3)[linear.index(PtLevel::kL3)]);
    table(l2)[linear.index(PtLevel::kL2)] = address | kSupervisorData | pvmmu::kPtePageSize;
  }
}

void MonitorSpace::build_idt() {
  const Mfn frame = take_frame();
  map_page(guest_abi::kMonitorIdt, frame, kSupervisorData);
  auto* gates = reinterpret_cast<IdtGate*>(memory_.frame(frame));
  for (unsigned vector = 0; vector < 256; ++vector) {
    const uint64_t stub = header_.vector_stubs + vector * MONITOR_VECTOR_STUB_SIZE;
    // CPL3 may raise #BP, #OF and the hypercall vector by instruction; `int n` to any other is #GP.
    const bool open = vector == 3 || vector == 4 || vector == 0x82;
    IdtGate& gate = gates[vector];
    gate.offset_low = static_cast<uint16_t>(stub);
    gate.selector = guest_abi::kMonitorCodeSelector;
    gate.ist = static_cast<uint8_t>(ist_of_vector(vector));
    gate.type = open ? 0xee : 0x8e;
    gate.offset_middle = static_cast<uint16_t>(stub >> 16);
    gate.offset_high = static_cast<uint32_t>(stub >> 32);
  }
}

// The descriptors above the guest's own, at the selectors that Xen's ABI fixes.
void MonitorSpace::build_gdt(std::byte* page) {
  auto* descriptors = reinterpret_cast<uint64_t*>(page);
  const auto slot = [descriptors](unsigned selector) -> uint64_t& {
    return descriptors[(selector - kReservedGdtPage * kPageSize) / 8];
  };
  slot(guest_abi::kMonitorCodeSelector) = 0x00af'9b00'0000'ffff;
  slot(guest_abi::kMonitorDataSelector) = 0x00cf'9300'0000'ffff;
  slot(0xe018) =
      0x00cf'9b00'0000'ffff;  // ring-1 and ring-0 32-bit code: unused, kept as Xen has it
  slot(0xe020) = 0x00cf'fb00'0000'ffff;  // FLAT_RING3_CS32
  slot(0xe028) = 0x00cf'f300'0000'ffff;  // FLAT_RING3_DS32
  slot(0xe030) = 0x00af'fb00'0000'ffff;  // FLAT_RING3_CS64
}

void MonitorSpace::build_vcpu(unsigned vcpu) {
  const uint64_t area = vcpu_area(vcpu);
  const auto map_new = [this](uint64_t linear) {
    const Mfn frame = take_frame();
    map_page(linear, frame, kSupervisorData);
    return memory_.frame(frame);
  };
  map_new(area + guest_abi::kVcpuStack);
  for (unsigned i = 0; i < kFaultStacks; ++i) {
    map_new(area + guest_abi::kVcpuFaultStack + i * kPageSize);
  }
  map_new(area + guest_abi::kVcpuTouchList);
  for (unsigned i = 0; i < kGdtPages; ++i) {
    map_page(area + guest_abi::kVcpuGdt + i * kPageSize, zero_frame_, kSupervisorData);
  }
  std::byte* gdt = map_new(area + guest_abi::kVcpuGdt + kReservedGdtPage * kPageSize);
  build_gdt(gdt);
  const uint64_t tss = area + guest_abi::kVcpuTss;
  auto* state = reinterpret_cast<TaskState*>(map_new(tss));
  state->rsp[0] = stack_top(vcpu);
  for (unsigned i = 0; i < kFaultStacks; ++i) {
    state->ist[i] = area + guest_abi::kVcpuFaultStack + (i + 1) * kPageSize;
  }
  state->io_map_base = sizeof(TaskState);
  auto* descriptor = reinterpret_cast<uint64_t*>(gdt + guest_abi::kMonitorTssSelector -
                                                 kReservedGdtPage * kPageSize);
  descriptor[0] = (sizeof(TaskState) - 1) | (tss & 0xff'ffff) << 16 | uint64_t{0x8b} << 40 |
                  ((tss >> 24) & 0xff) << 56;
  descriptor[1] = tss >> 32;
}

void MonitorSpace::set_ring0_segments(kvm_sregs& sregs) const {
  sregs.cs = flat_segment(guest_abi::kMonitorCodeSelector, true);
  sregs.ss = flat_segment(guest_abi::kMonitorDataSelector, false);
}

void MonitorSpace::set_special_registers(unsigned vcpu, kvm_sregs& sregs) const {
  const uint64_t area = vcpu_area(vcpu);
  set_ring0_segments(sregs);
  sregs.ds = sregs.es = sregs.fs = sregs.gs = flat_segment(0, false);
  sregs.tr = kvm_segment{};
  sregs.tr.base = area + guest_abi::kVcpuTss;
  sregs.tr.limit = sizeof(TaskState) - 1;
  sregs.tr.selector = guest_abi::kMonitorTssSelector;
  sregs.tr.type = 0xb;
  sregs.tr.present = 1;
  sregs.ldt = kvm_segment{};
  sregs.ldt.unusable = 1;
  sregs.gdt.base = area + guest_abi::kVcpuGdt;
  sregs.gdt.limit = kGdtPages * kPageSize - kPageSize - 1;
  sregs.idt.base = guest_abi::kMonitorIdt;
  sregs.idt.limit = kPageSize - 1;
  sregs.cr0 = 0x8005'0033;  // PE MP ET NE WP AM PG
  sregs.cr3 = idle_root_.raw() << kPageShift;
  sregs.cr4 = 0x5'0620;  // PAE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE
  sregs.efer = 0xd01;    // SCE LME LMA NXE
}

uint64_t MonitorSpace::stack_top(unsigned vcpu) const {
  return vcpu_area(vcpu) + guest_abi::kVcpuStack + kPageSize;
}

std::byte* MonitorSpace::vcpu_page(unsigned vcpu, uint64_t offset) {
  const uint64_t entry = *leaf_entry(vcpu_area(vcpu) + offset);
  return memory_.frame(pvmmu::L1Pte(entry).frame());
}

std::byte* MonitorSpace::stack_memory(unsigned vcpu, uint64_t address, size_t size) {
  const uint64_t area = vcpu_area(vcpu);
  const uint64_t limit = (1 + kFaultStacks) * kPageSize;
  if (address < area || address - area >= limit) return nullptr;
  const uint64_t offset = address - area;
  if ((offset & (kPageSize - 1)) + size > kPageSize) return nullptr;
  return vcpu_page(vcpu, offset & pvmmu::kPageMask) + (offset & (kPageSize - 1));
}

std::span<uint64_t> MonitorSpace::touch_list(unsigned vcpu) {
  return {reinterpret_cast<uint64_t*>(vcpu_page(vcpu, guest_abi::kVcpuTouchList)),
          kPageSize / sizeof(uint64_t)};
}

pvmmu::Maddr MonitorSpace::map_descriptor_frame(unsigned vcpu, unsigned index, Mfn frame) {
  const uint64_t linear = vcpu_area(vcpu) + guest_abi::kVcpuGdt + index * kPageSize;
  map_page(linear, frame == pvmmu::kInvalidMfn ? zero_frame_ : frame, kSupervisorData);
  const auto* entry = reinterpret_cast<const std::byte*>(leaf_entry(linear));
  return pvmmu::Maddr(static_cast<uint64_t>(entry - memory_.base()));
}

bool MonitorSpace::is_vector_stub(uint64_t rip) const {
  return rip >= header_.vector_stubs && rip < header_.vector_stubs + 256 * MONITOR_VECTOR_STUB_SIZE;
}

uint64_t MonitorSpace::vector_of_stub(uint64_t rip) const {
  return (rip - header_.vector_stubs) / MONITOR_VECTOR_STUB_SIZE;
}

}  // namespace vmm
