// A guest of another style: virtual = physical, raw `syscall` hypercalls, the old set_callbacks,
// forced-emulation cpuid before any trap table, the machine-to-physical table at its classical
// address, low pages as ordinary memory, the console ring. Prints what it finds; ends as crashed if
// anything is not as it should be.
#include <stdint.h>

#include "abi/xen.h"

namespace {

constexpr unsigned kSchedOp = 29;
constexpr unsigned kEventChannelOp = 32;
constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kMachineToPhysical = 0xffff800000000000;
constexpr uint64_t kLowPage = 0x3000;
constexpr uint64_t kSharedInfoPage = 0x5000;

extern "C" char other_event[], other_failsafe[], other_syscall[], other_page_fault[];

unsigned failures;

int64_t raw_hypercall(uint64_t number, uint64_t arg1 = 0, uint64_t arg2 = 0, uint64_t arg3 = 0,
                      uint64_t arg4 = 0) {
  int64_t result;
  register uint64_t r10 asm("r10") = arg4;
  asm volatile("syscall"
               : "=a"(result), "+D"(arg1), "+S"(arg2), "+d"(arg3), "+r"(r10)
               : "a"(number)
               : "memory", "rcx", "r11", "r8", "r9");
  return result;
}

uint64_t address_of(const void* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

uint64_t length_of(const char* text) {
  uint64_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

void print(const char* text) {
  raw_hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, length_of(text), address_of(text));
}

void check(bool good, const char* what) {
  print(good ? "ok: " : "FAILED: ");
  print(what);
  print("\n");
  failures += good ? 0 : 1;
}

void check_cpuid() {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  asm volatile("ud2\n .ascii \"xen\"\n cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  check(eax != 0 && ebx != 0, "forced-emulation cpuid before any trap table");
}

void check_memory(const start_info_t& info) {
  auto* low = reinterpret_cast<volatile uint64_t*>(kLowPage);
  *low = 0x1234567890abcdef;
  check(*low == 0x1234567890abcdef, "low pages are ordinary memory");
  const auto* p2m = reinterpret_cast<const uint64_t*>(info.mfn_list);
  const auto* m2p = reinterpret_cast<const volatile uint64_t*>(kMachineToPhysical);
  bool agree = true;
  for (uint64_t pfn = 0; pfn < 64; ++pfn) agree = agree && m2p[p2m[pfn]] == pfn;
  check(agree, "the machine-to-physical table at its classical address");
}

void check_callbacks() {
  const int64_t result = raw_hypercall(__HYPERVISOR_set_callbacks, address_of(other_event),
                                       address_of(other_failsafe), address_of(other_syscall));
  check(result == 0, "set_callbacks");
}

// The handler goes on at r15 and says so in r14.
void check_page_fault() {
  trap_info_t table[2] = {};
  table[0].vector = 14;
  table[0].cs = FLAT_KERNEL_CS;
  table[0].address = address_of(other_page_fault);
  check(raw_hypercall(__HYPERVISOR_set_trap_table, address_of(table)) == 0, "set_trap_table");
  uint64_t caught = 0;
  asm volatile(
      "xor %%r14d, %%r14d\n"
      "lea 1f(%%rip), %%r15\n"
      "movq $0, 0x7ffffff0\n"
      "1: mov %%r14, %0"
      : "=r"(caught)
      :
      : "r14", "r15", "rcx", "r11", "memory", "cc");
  check(caught == 1, "a page fault reaches its handler");
}

void check_shared_info(const start_info_t& info) {
  const int64_t result = raw_hypercall(__HYPERVISOR_update_va_mapping, kSharedInfoPage,
                                       info.shared_info | 0x67, UVMF_INVLPG);
  const auto* shared = reinterpret_cast<const volatile shared_info_t*>(kSharedInfoPage);
  check(result == 0 && shared->vcpu_info[0].evtchn_upcall_mask == 1 &&
            shared->vcpu_info[0].time.tsc_to_system_mul != 0,
        "shared_info can be mapped");
}

// Finds the ring's page by its frame, as it lies in the mapped region.
void check_console_ring(const start_info_t& info) {
  const auto* p2m = reinterpret_cast<const uint64_t*>(info.mfn_list);
  uint64_t pfn = 0;
  while (p2m[pfn] != info.console.domU.mfn) ++pfn;
  auto* ring = reinterpret_cast<volatile xencons_interface*>(pfn * kPageSize);
  const char text[] = "written through the console ring\n";
  for (const char* next = text; *next != 0; ++next) {
    ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = *next;
    ring->out_prod = ring->out_prod + 1;
  }
  evtchn_send_t send = {info.console.domU.evtchn};
  const int64_t sent = raw_hypercall(kEventChannelOp, EVTCHNOP_send, address_of(&send));
  for (unsigned round = 0; round < 1000 && ring->out_cons != ring->out_prod; ++round) {
    raw_hypercall(kSchedOp, SCHEDOP_yield);
  }
  check(sent == 0 && ring->out_cons == ring->out_prod, "the console ring is drained");
}

}  // namespace

extern "C" void other_main(const start_info_t* info) {
  print("a guest of another style\n");
  check_cpuid();
  check_memory(*info);
  check_callbacks();
  check_page_fault();
  check_shared_info(*info);
  check_console_ring(*info);
  sched_shutdown_t request = {.reason = failures == 0 ? unsigned{SHUTDOWN_poweroff}
                                                      : unsigned{SHUTDOWN_crash}};
  for (;;) raw_hypercall(kSchedOp, SCHEDOP_shutdown, address_of(&request));
}
