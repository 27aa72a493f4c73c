// Slots 256..271 of the address space are the hypervisor's: reading, writing and jumping there.
#include "hostile/attack.h"

namespace test_guest {
namespace {

constexpr uint64_t kRangeStart = 0xffff800000000000;
constexpr uint64_t kSlotSize = uint64_t{1} << 39;
constexpr unsigned kSlotCount = 16;
constexpr unsigned kPagesPerSlot = 64;
constexpr unsigned kUnknownHypercall = 63;

template <typename Visit>
void for_each_page(Visit visit) {
  for (unsigned slot = 0; slot < kSlotCount; ++slot) {
    for (unsigned page = 0; page < kPagesPerSlot; ++page) {
      visit(kRangeStart + slot * kSlotSize + page * kPageSize);
    }
  }
}

// The machine-to-physical table is for everybody to read; it holds nothing else.
bool readable_by_design(uint64_t address) {
  xen_machphys_mapping_t mapping = {};
  hypercall(__HYPERVISOR_memory_op, XENMEM_machphys_mapping, address_of(&mapping));
  const uint64_t size = mapping.v_end - mapping.v_start + kPageSize;
  return address - mapping.v_start < size || address - kRangeStart < size;
}

void touch_hypervisor() {
  unsigned readable = 0;
  unsigned writable = 0;
  unsigned tried = 0;
  for_each_page([&](uint64_t address) {
    ++tried;
    auto* place = reinterpret_cast<volatile uint64_t*>(address);
    uint64_t value = 0;
    const Trap read = attempt([&] { value = *place; });
    if (!read.happened && !readable_by_design(address)) ++readable;
    const Trap write = attempt([&] { *place = value; });
    if (!write.happened) ++writable;
  });
  print("attack touch-hypervisor: ", static_cast<int64_t>(tried),
        " pages: ", static_cast<int64_t>(readable), " readable, ", static_cast<int64_t>(writable),
        " writable");
  if (readable != 0) report_success("reading the monitor");
  if (writable != 0) report_success("writing the monitor");
}

// Jumps there with everything prepared as if it came from a system call: rcx names where to go on.
// What is user-accessible there may at most act as the hypercall that it would be anyway.
struct Landing {
  uint64_t result = 0;
  uint64_t selector = 3;
};

Landing jump_to(uint64_t address) {
  Landing landing;
  asm volatile(
      "mov %%rsp, %%rbx\n"
      "lea 1f(%%rip), %%rcx\n"
      "jmp *%[address]\n"
      "1: mov %%rbx, %%rsp\n"
      "mov %%cs, %[selector]"
      : "=a"(landing.result), [selector] "=r"(landing.selector)
      : [address] "r"(address), "a"(uint64_t{kUnknownHypercall})
      : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
  return landing;
}

void jump_hypervisor() {
  unsigned trapped = 0;
  unsigned tried = 0;
  for_each_page([&](uint64_t address) {
    ++tried;
    Landing landing;
    const Trap trap = attempt([&] { landing = jump_to(address); });
    if (trap.happened) {
      ++trapped;
    } else if ((landing.selector & 3) == 0) {
      report_success("ring 0");
    } else {
      report_refused("acts as a hypercall", static_cast<int64_t>(landing.result));
    }
  });
  print("attack jump-hypervisor: ", static_cast<int64_t>(tried),
        " pages: ", static_cast<int64_t>(trapped), " traps delivered");
}

}  // namespace

const Attack kRangeAttacks[] = {{"touch-hypervisor", touch_hypervisor, false},
                                {"jump-hypervisor", jump_hypervisor, false},
                                {nullptr, nullptr, false}};

}  // namespace test_guest
