// What ends the guest: the hypervisor must stop it with a report, and nothing else may happen.
#include "hostile/attack.h"
#include "runtime/stack.h"

namespace test_guest {
namespace {

// A trap whose frame the kernel's own stack cannot take.
void trap_on_stack(uint64_t stack) {
  print("raising #UD on the stack ", Hex{stack});
  asm volatile("mov %0, %%rsp\n ud2" : : "r"(stack) : "memory");
}

void bad_stack() {
  trap_on_stack(0x18);
}
void bad_stack_noncanonical() {
  trap_on_stack(0x800000000100);
}
void bad_stack_hypervisor() {
  trap_on_stack(0xffff828000002000);
}
void bad_stack_machphys() {
  trap_on_stack(0xffff808000000800);
}

void bad_stack_table() {
  const volatile uint64_t* entry = find_entry(address_of(scratch_page(0)), 1).entry;
  trap_on_stack((reinterpret_cast<uint64_t>(entry) & ~(kPageSize - 1)) + 2048);
}

// Returns to code with a selector of ring 0 by the iret hypercall. The hypervisor ends the guest,
// or corrects the selector: if the guest gets on, it must still be unprivileged.
void iret_ring0() {
  uint64_t selector = 3;
  const Trap trap = attempt([&] {
    asm volatile(
        "mov %%rsp, %%rax\n"
        "pushq $0xe010\n"  // ss
        "pushq %%rax\n"    // rsp
        "pushfq\n"
        "orq $0x3000, (%%rsp)\n"  // IOPL 3 as well
        "pushq $0xe008\n"         // cs
        "lea 1f(%%rip), %%rax\n"
        "pushq %%rax\n"
        "pushq $0\n"
        "jmp hypercall_page + 23 * 32\n"
        "1: mov %%cs, %0"
        : "=r"(selector)
        :
        : "rax", "rcx", "r11", "memory", "cc");
  });
  if (trap.happened) {
    report_trap("iret with ring 0 selectors", trap);
    return;
  }
  const Trap halt = attempt([] { asm volatile("lidt (%0)" : : "r"(scratch_page(0))); });
  if ((selector & 3) == 0 || !halt.happened) {
    report_success("iret with ring 0 selectors");
  } else {
    report_harmless("iret with ring 0 selectors", "privilege stays lowest");
  }
}

void iret_bad_stack() {
  print("iret from a stack that cannot be read");
  asm volatile("mov $0x100, %%rsp\n jmp hypercall_page + 23 * 32" : : : "memory");
}

void loop() {
  print("looping for ever");
  for (;;) asm volatile("");
}

// The handlers go first: then a fault has nowhere to go.
void crash() {
  hypercall(__HYPERVISOR_set_trap_table, 0);
  print("reading address 16 without a handler");
  asm volatile("mov 16, %%rax" : : : "rax");
}

void software_interrupt() {
  expect_trap("int $0x90 without a handler", attempt([] { asm volatile("int $0x90"); }));
}

void block_forever() {
  print("blocking for ever");
  hypercall(kSchedOp, SCHEDOP_block);
}

void go_down() {
  print("taking the only vCPU down");
  hypercall(__HYPERVISOR_vcpu_op, VCPUOP_down, 0);
}

alignas(kStackSize) uint8_t second_stack[kStackSize];
vcpu_guest_context_t second_context;

// Waits for nothing but a moment of the domain's time, in nanoseconds.
void wait_until(uint64_t moment) {
  sched_poll_t poll = {};
  poll.timeout = moment;
  hypercall(kSchedOp, SCHEDOP_poll, reinterpret_cast<uint64_t>(&poll));
}

[[noreturn]] void poll_and_power_off() {
  wait_until(500'000'000);
  print("the poll is over");
  shut_down(SHUTDOWN_poweroff);
  for (;;) {
  }
}

// The first vCPU goes down for ever while the second waits with a deadline. Needs --vcpus=2.
void go_down_beside_a_poll() {
  second_context.flags = VGCF_in_kernel | VGCF_syscall_disables_events;
  second_context.user_regs.rip = reinterpret_cast<uint64_t>(&poll_and_power_off);
  second_context.user_regs.rsp = reinterpret_cast<uint64_t>(second_stack) + kStackSize - 8;
  second_context.kernel_ss = FLAT_KERNEL_SS;
  second_context.kernel_sp = second_context.user_regs.rsp;
  second_context.ctrlreg[3] = root_mfn() * 4096;
  const auto context = reinterpret_cast<uint64_t>(&second_context);
  if (hypercall(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, context) != 0 ||
      hypercall(__HYPERVISOR_vcpu_op, VCPUOP_up, 1) != 0) {
    print("ERROR: the second vCPU does not start");
    return;
  }
  wait_until(250'000'000);  // it waits by then
  hypercall(__HYPERVISOR_vcpu_op, VCPUOP_down, 0);
}

}  // namespace

const Attack kFatalAttacks[] = {{"bad-stack", bad_stack, true},
                                {"bad-stack-noncanonical", bad_stack_noncanonical, true},
                                {"bad-stack-hypervisor", bad_stack_hypervisor, true},
                                {"bad-stack-machphys", bad_stack_machphys, true},
                                {"bad-stack-table", bad_stack_table, true},
                                {"iret-ring0", iret_ring0, true},
                                {"iret-bad-stack", iret_bad_stack, true},
                                {"int-n", software_interrupt, false},
                                {"loop", loop, true},
                                {"crash", crash, true},
                                {"block", block_forever, true},
                                {"down", go_down, true},
                                {"down-beside-a-poll", go_down_beside_a_poll, true},
                                {nullptr, nullptr, false}};

}  // namespace test_guest
