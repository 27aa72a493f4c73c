// Trap handlers, callbacks, the processor's own data, and shared_info.
#include "arch/pv/start.h"

#include "arch/boot.h"
#include "arch/entry_points.h"
#include "arch/hypercall.h"
#include "base/pte.h"
#include "panic.h"
#include "traps/trap.h"

namespace kernel {
namespace {

constexpr unsigned kMaxHandlers = 32;
constexpr uint8_t kMaskEvents = 1u << 2;  // [xen/public/arch-x86/xen.h: TI_SET_IF]

void register_callback(uint16_t type, uint64_t handler) {
  callback_register_t request{};
  request.type = type;
  request.flags = CALLBACKF_mask_events;
  request.address = handler;
  kernel_assert(hypercall_callback_register(request) == 0, "callback_op");
}

}  // namespace

void map_shared_info_at(uint64_t linear, uint64_t maddr) {
  using namespace pvmmu;
  const L1Pte entry(Maddr(maddr).frame(),
                    kPtePresent | kPteWritable | kPteUser | kPteAccessedDirty | kPteNoExecute);
  const int64_t result = hypercall_update_va_mapping(linear, entry.raw(), UVMF_INVLPG | UVMF_LOCAL);
  kernel_assert(result == 0, "shared_info cannot be mapped");
}

unsigned fill_trap_table(trap_info_t* table, unsigned capacity) {
  unsigned count = 0;
  for (const ExceptionEntry* entry = entry_points().exceptions; entry->address != 0; ++entry) {
    if (count == capacity) {
      panic("the trap table is too small");
    }
    trap_info_t& slot = table[count++];
    slot = {};
    slot.vector = static_cast<uint8_t>(entry->vector);
    // Programs may raise a breakpoint.
    slot.flags = static_cast<uint8_t>((entry->vector == kVectorBreakpoint ? 3 : 0) | kMaskEvents);
    slot.cs = FLAT_KERNEL_CS64;
    slot.address = entry->address;
  }
  return count;
}

void arch_start(const start_info_t& start_info, Cpu& cpu) {
  cpu.self = &cpu;
  cpu.id = 0;
  // First of all: everything else asks which processor it runs on.
  if (hypercall_set_segment_base(SEGBASE_GS_KERNEL, hypercall_pointer(&cpu)) != 0) {
    arch_shutdown(SHUTDOWN_crash);
  }
  map_shared_info(start_info.shared_info);
  cpu.vcpu_info = &shared_info().vcpu_info[0];
  events_save();

  trap_info_t table[kMaxHandlers + 1];
  const unsigned count = fill_trap_table(table, kMaxHandlers);
  table[count] = {};
  kernel_assert(hypercall_set_trap_table(table) == 0, "set_trap_table");
  register_callback(CALLBACKTYPE_event, entry_points().event);
  register_callback(CALLBACKTYPE_failsafe, entry_points().failsafe);
  register_callback(CALLBACKTYPE_syscall, entry_points().syscall);
}

}  // namespace kernel
