// Starting the other processors. [xen/public/vcpu.h: VCPUOP_initialise]
#include "arch/boot.h"
#include "arch/entry_points.h"
#include "arch/hypercall.h"
#include "arch/pv/start.h"
#include "panic.h"
#include "task.h"

namespace kernel {
namespace {

// Several pages long: not for the stack. Processors are started one after the other.
constinit vcpu_guest_context_t context{};

void fill_context(const Cpu& cpu, pvmmu::Mfn root) {
  context = {};
  context.flags = VGCF_in_kernel | VGCF_syscall_disables_events | VGCF_failsafe_disables_events;
  context.user_regs.rip = entry_points().secondary;
  const uint64_t stack_top = hypercall_pointer(reinterpret_cast<const void*>(cpu.idle->stack_top));
  context.user_regs.rsp = stack_top;
  context.user_regs.cs = FLAT_KERNEL_CS64;
  context.user_regs.ss = FLAT_KERNEL_SS64;
  fill_trap_table(context.trap_ctxt, sizeof(context.trap_ctxt) / sizeof(context.trap_ctxt[0]));
  context.kernel_ss = FLAT_KERNEL_SS64;
  context.kernel_sp = stack_top;
  context.ctrlreg[3] = root.raw() << pvmmu::kPageShift;
  context.event_callback_eip = entry_points().event;
  context.failsafe_callback_eip = entry_points().failsafe;
  context.syscall_callback_eip = entry_points().syscall;
  context.gs_base_kernel = hypercall_pointer(&cpu);
}

}  // namespace

void arch_start_secondary(Cpu& cpu, pvmmu::Mfn root) {
  cpu.vcpu_info = &shared_info().vcpu_info[cpu.id];
  cpu.vcpu_info->evtchn_upcall_mask = 1;
  fill_context(cpu, root);
  if (const int64_t error = hypercall_vcpu_op(VCPUOP_initialise, cpu.id, &context); error != 0) {
    panic("vCPU %u cannot be initialised: error %ld", cpu.id, -error);
  }
  if (const int64_t error = hypercall_vcpu_op(VCPUOP_up, cpu.id, nullptr); error != 0) {
    panic("vCPU %u cannot be started: error %ld", cpu.id, -error);
  }
}

}  // namespace kernel
