// Attacks on what belongs to a vCPU: handlers, modes, descriptors, privileged instructions.
#include "random_hostile/actions.h"
#include "random_hostile/pool.h"
#include "random_hostile/requests.h"
#include "random_hostile/values.h"

namespace random_hostile {
namespace {

extern "C" void iret_to_user(uint64_t rip, uint64_t rsp, uint64_t flags);
extern "C" void iret_to_kernel(uint64_t flags);
extern "C" int64_t raw_syscall(uint64_t number, uint64_t arg1, uint64_t arg2, uint64_t arg3);
extern "C" char user_codes[], user_codes_end[];
constexpr unsigned kUserCodeSize = 16;
constexpr uint64_t kInterruptFlag = 1 << 9;

// Where the kernel is entered from user mode: below what its own calls use.
uint64_t entry_stack() {
  return (reinterpret_cast<uint64_t>(&test_guest::stack_head()) + test_guest::kStackSize / 2);
}

void nonsense_table(Cpu& cpu) {
  Random& random = cpu.random;
  const unsigned count = 1 + random.below(12);
  auto* table = cpu.allocate_array<trap_info_t>(count + 1);
  for (unsigned i = 0; i < count; ++i) {
    table[i].vector = static_cast<uint8_t>(random.next());
    table[i].flags = static_cast<uint8_t>(random.next());
    table[i].cs = static_cast<uint16_t>(random.next());
    table[i].address = random.one_in(3) ? random.next() : random_mapped_address(random);
  }
  table[count] = {};
  cpu.call(__HYPERVISOR_set_trap_table, maybe_bad(cpu, table));
}

void nonsense_callback(Cpu& cpu) {
  Random& random = cpu.random;
  auto* request = cpu.allocate_array<callback_register_t>(1);
  *request = {};
  request->type = static_cast<uint16_t>(random.below(10));
  request->flags = static_cast<uint16_t>(random.next());
  request->address = random.one_in(2) ? random.next() : random_mapped_address(random);
  cpu.call(__HYPERVISOR_callback_op, random.below(4), maybe_bad(cpu, request));
}

}  // namespace

void bad_handlers(Cpu& cpu) {
  Random& random = cpu.random;
  iret_to_kernel(0);  // no event meanwhile
  switch (random.below(5)) {
    case 0:
      nonsense_table(cpu);
      break;
    case 1:
      nonsense_callback(cpu);
      break;
    case 2:
      cpu.call(__HYPERVISOR_set_callbacks, random_mapped_address(random), random.next(),
               random.next());
      break;
    case 3:
      cpu.call(__HYPERVISOR_stack_switch, random.next(),
               random.one_in(2) ? random.next() : random_mapped_address(random));
      break;
    default:
      cpu.call(__HYPERVISOR_set_trap_table, bad_pointer(cpu));
  }
  restore_handlers();
}

void enter_user(Cpu& cpu) {
  Random& random = cpu.random;
  auto* operation = cpu.allocate_array<mmuext_op_t>(1);
  fill_operation(cpu, *operation, false);
  operation->cmd = MMUEXT_NEW_USER_BASEPTR;
  operation->arg1.mfn =
      random.percent(80) ? root_mfn(random.below(kRootCount)) : random_mfn(random);
  if (cpu.call(__HYPERVISOR_mmuext_op, address_of(operation), 1, 0, DOMID_SELF) != 0) return;
  if (operation->arg1.mfn == 0) return;  // none: then iret ends the guest
  cpu.call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, entry_stack());
  const auto codes = static_cast<unsigned>(user_codes_end - user_codes) / kUserCodeSize;
  const uint64_t rip = random.percent(90)
                           ? address_of(user_codes) + random.below(codes) * kUserCodeSize
                           : random_mapped_address(random);
  const uint64_t rsp = random.percent(80) ? random_mapped_address(random) : bad_pointer(cpu);
  const uint64_t flags = random.next() & 0xfff;
  ++cpu.tally.user_entries;
  cpu.survives([=] { iret_to_user(rip, rsp, flags & ~kInterruptFlag); });
}

void return_with_flags(Cpu& cpu) {
  const uint64_t flags = cpu.random.next();
  cpu.survives([=] { iret_to_kernel(flags & ~kInterruptFlag); });
}

void use_descriptors(Cpu& cpu) {
  Random& random = cpu.random;
  // One frame of descriptors, read-only at home as it must be.
  const unsigned frame = random.below(kFirstTableFrame);
  auto* frames = cpu.allocate_array<uint64_t>(1);
  frames[0] = frame_mfn(frame);
  cpu.survives([=] {
    auto* descriptors = reinterpret_cast<volatile uint64_t*>(frame_address(frame));
    for (unsigned i = 0; i < 512; ++i) descriptors[i] = 0x00cff3000000ffff;
  });
  cpu.call(__HYPERVISOR_update_va_mapping, frame_address(frame),
           frames[0] * kPageSize | kReadOnlyFlags, UVMF_INVLPG | UVMF_ALL);
  if (cpu.call(__HYPERVISOR_set_gdt, address_of(frames), 512) != 0) return;
  for (unsigned count = 1 + random.below(4); count != 0; --count) {
    make_call(cpu, make_update_descriptor(cpu));
    const uint64_t selector = random.below(512) * 8 + 3;
    cpu.survives([=] {
      asm volatile(
          "mov %w0, %%es\n\t"
          "lar %w0, %%eax\n\t"
          "verw %w0\n\t"
          "mov %w1, %%es"
          :
          : "r"(selector), "r"(uint64_t{FLAT_KERNEL_DS})
          : "rax", "cc", "memory");
    });
  }
  cpu.call(__HYPERVISOR_set_gdt, 0, 0);
}

void privileged_instruction(Cpu& cpu) {
  Random& random = cpu.random;
  const uint64_t value = random.one_in(2) ? random.next() : 0;
  constexpr uint32_t kMsrs[] = {0x1b,       0x277,      0xc0000080, 0xc0000081, 0xc0000082,
                                0xc0000100, 0xc0000101, 0xc0000102, 0x10,       0x40000000};
  const uint32_t msr = random.pick(kMsrs);
  const unsigned kind = random.below(9);
  cpu.survives([=] {
    uint64_t scrap = value;
    auto low = static_cast<uint32_t>(value);
    auto high = static_cast<uint32_t>(value >> 32);
    switch (kind) {
      case 0:
        asm volatile("mov %%cr3, %0\n\tmov %%cr2, %0\n\tmov %%cr4, %0" : "=r"(scrap));
        break;
      case 1:
        asm volatile("mov %0, %%cr2" : : "r"(scrap));
        break;
      case 2:
        asm volatile("mov %0, %%cr3" : : "r"(boot_root_mfn() * kPageSize));
        break;
      case 3:
        asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
        break;
      case 4:
        asm volatile("wrmsr" : : "a"(low), "d"(high), "c"(msr));
        break;
      case 5:
        asm volatile("mov %0, %%dr7\n\tmov %%dr6, %0" : "+r"(scrap));
        break;
      case 6:
        asm volatile("invlpg (%0)" : : "r"(value) : "memory");
        break;
      case 7:
        asm volatile("outl %%eax, %%dx\n\tinb %%dx, %%al" : "+a"(low) : "d"(high));
        break;
      default:
        asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e\n\tcpuid"
                     : "+a"(low), "+c"(high)
                     :
                     : "rbx", "rdx");
    }
  });
}

// Neither a number that is a call, nor, cut to 32 bits, one.
void raw_gate(Cpu& cpu) {
  Random& random = cpu.random;
  uint64_t number = random.next();
  if (random.one_in(2)) number = 128 + random.below(1000);
  if (static_cast<uint32_t>(number) < 64) number |= 64;
  cpu.tally.count(number, raw_syscall(number, random.next(), bad_pointer(cpu), random.next()));
}

}  // namespace random_hostile
