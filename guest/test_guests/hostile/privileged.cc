// Privileged instructions. Some are emulated, as a paravirtual guest expects; then what they were
// meant to do must not have happened.
#include "hostile/attack.h"

namespace test_guest {
namespace {

constexpr uint32_t kMsrLstar = 0xc0000082;
constexpr uint32_t kMsrEfer = 0xc0000080;

uint64_t read_cr3() {
  uint64_t value = 0;
  asm volatile("mov %%cr3, %0" : "=r"(value));
  return value;
}

void own_cr3() {
  const uint64_t wanted = mfn_of_address(scratch_page(0)) * kPageSize;
  const Trap trap = attempt([=] { asm volatile("mov %0, %%cr3" : : "r"(wanted) : "memory"); });
  if (trap.happened) {
    report_trap("mov to cr3", trap);
    return;
  }
  uint64_t now = 0;
  const Trap read = attempt([&] { now = read_cr3(); });
  if (!read.happened && now == wanted) {
    report_success("mov to cr3");
  } else {
    report_harmless("mov to cr3", "ignored");
  }
}

void write_msr(uint32_t number, const char* detail) {
  const Trap trap = attempt([=] {
    asm volatile("wrmsr" : : "c"(number), "a"(0x1000), "d"(0) : "memory");
  });
  if (trap.happened) {
    report_trap(detail, trap);
    return;
  }
  uint32_t low = 0;
  uint32_t high = 0;
  const Trap read = attempt([&] { asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number)); });
  if (!read.happened && low == 0x1000 && high == 0) {
    report_success(detail);
  } else {
    report_harmless(detail, "ignored");
  }
}

void load_tables() {
  struct [[gnu::packed]] Pointer {
    uint16_t limit;
    uint64_t base;
  };
  const Pointer pointer = {0xfff, address_of(scratch_page(0))};
  expect_trap("lgdt", attempt([&] { asm volatile("lgdt %0" : : "m"(pointer)); }));
  expect_trap("lidt", attempt([&] { asm volatile("lidt %0" : : "m"(pointer)); }));
  expect_trap("ltr", attempt([] { asm volatile("ltr %w0" : : "r"(0x40)); }));
  expect_trap("lldt", attempt([] { asm volatile("lldt %w0" : : "r"(0x40)); }));
}

// Emulated or refused: the port has no device, so nothing may come of it.
void ports() {
  uint32_t value = 0;
  const Trap in = attempt([&] { asm volatile("inl %%dx, %0" : "=a"(value) : "d"(0xcf8)); });
  if (in.happened) {
    report_trap("in", in);
  } else if (value == 0xffffffff) {
    report_harmless("in", "emulated, all ones");
  } else {
    report_success("in");
  }
  // Ports by which a monitor leaves the guest are low ones: try them all.
  unsigned trapped = 0;
  for (unsigned port = 0; port < 256; ++port) {
    const Trap out = attempt([=] { asm volatile("outb %%al, %%dx" : : "a"(0), "d"(port)); });
    trapped += out.happened ? 1 : 0;
  }
  print("attack privileged: out to ports 0..255: ", static_cast<int64_t>(trapped), " of 256 #GP");
}

// Interrupt flag and halting: without effect on the machine, whatever they seem to do.
void interrupts() {
  const Trap cli = attempt([] { asm volatile("cli"); });
  cli.happened ? report_trap("cli", cli) : report_harmless("cli", "ignored");
  const Trap sti = attempt([] { asm volatile("sti"); });
  sti.happened ? report_trap("sti", sti) : report_harmless("sti", "ignored");
  expect_trap("hlt", attempt([] { asm volatile("hlt"); }));
}

// `syscall` keeps rsp: the hypervisor gets control on a stack that is anything at all. Coming to it
// by iret, since a KVM that emulates what it cannot run begins to do so when the guest is entered.
int64_t version_on_stack(uint64_t stack) {
  int64_t result = __HYPERVISOR_xen_version;
  asm volatile(
      "mov %%rsp, %%rbx\n"
      "pushq $0xe02b\n"
      "pushq %[stack]\n"
      "pushfq\n"
      "pushq $0xe030\n"
      "lea 1f(%%rip), %%rcx\n"
      "pushq %%rcx\n"
      "pushq $0\n"
      "jmp hypercall_page + 23 * 32\n"
      "1: syscall\n"
      "mov %%rbx, %%rsp"
      : "+a"(result)
      : [stack] "r"(stack), "D"(uint64_t{XENVER_version}), "S"(uint64_t{0})
      : "rbx", "rcx", "r11", "memory", "cc");
  return result;
}

void syscall_on_wild_stacks() {
  constexpr uint64_t kStacks[] = {0,
                                  0x800000000100,      // not canonical
                                  0xffff7ffffffffff8,  // likewise
                                  0xffff808000000800,  // the machine-to-phys table
                                  0xffff828000102000,  // the monitor's
                                  0xffff828040000ff8};
  const int64_t version = hypercall(__HYPERVISOR_xen_version, XENVER_version);
  for (const uint64_t stack : kStacks) {
    print("syscall with rsp ", Hex{stack});
    int64_t result = 0;
    const Trap trap = attempt([&] { result = version_on_stack(stack); });
    if (trap.happened) {
      report_trap("syscall", trap);
    } else if (result == version) {
      report_harmless("syscall", "the hypercall that it is");
    } else {
      report_success("syscall");
    }
  }
}

void privileged() {
  interrupts();
  ports();
  write_msr(kMsrLstar, "wrmsr LSTAR");
  write_msr(kMsrEfer, "wrmsr EFER");
  load_tables();
  expect_trap("invlpg", attempt([] { asm volatile("invlpg (%0)" : : "r"(scratch_page(0))); }));
  expect_trap("swapgs", attempt([] { asm volatile("swapgs"); }));
  expect_trap("iretq to ring 0", attempt([] {
                asm volatile(
                    "pushq $0\n pushq %%rsp\n pushq $2\n pushq $8\n lea 1f(%%rip), %%rax\n"
                    "pushq %%rax\n iretq\n 1: add $16, %%rsp"
                    :
                    :
                    : "rax", "memory");
              }));
  expect_trap("sysret", attempt([] { asm volatile("sysretq" : : : "rcx", "r11"); }));
  expect_trap("mov to cr8", attempt([] { asm volatile("mov %0, %%cr8" : : "r"(uint64_t{15})); }));
}

}  // namespace

const Attack kPrivilegedAttacks[] = {{"own-cr3", own_cr3, false},
                                     {"privileged", privileged, false},
                                     {"syscall-on-wild-stacks", syscall_on_wild_stacks, false},
                                     {nullptr, nullptr, false}};

}  // namespace test_guest
