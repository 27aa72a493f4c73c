// Requests about page tables and descriptor tables.
#include "random_hostile/pool.h"
#include "random_hostile/requests.h"
#include "random_hostile/values.h"

namespace random_hostile {
namespace {

constexpr uint64_t kDomain = DOMID_SELF;

uint64_t random_domain(Random& random) {
  constexpr uint64_t kOthers[] = {0,
                                  1,
                                  DOMID_IO,
                                  DOMID_XEN,
                                  DOMID_COW,
                                  0xffffffff,
                                  0x00017ff0,
                                  0x7ff00001,
                                  DOMID_INVALID,
                                  DOMID_IDLE,
                                  uint64_t{DOMID_SELF} << 32};
  return random.percent(95) ? kDomain : random.pick(kOthers);
}

uint64_t random_done(Cpu& cpu) {
  if (cpu.random.percent(60)) return 0;
  return maybe_bad(cpu, cpu.allocate_array<uint64_t>(1));
}

// An array in the window itself, whose requests may change its own mapping; or anywhere.
uint64_t array_place(Cpu& cpu, const void* good) {
  if (cpu.random.percent(92)) return address_of(good);
  return cpu.random.one_in(2) ? random_mapped_address(cpu.random) & ~uint64_t{7} : bad_pointer(cpu);
}

unsigned random_command(Random& random, bool shared) {
  constexpr unsigned kAnything[] = {
      MMUEXT_MARK_SUPER, MMUEXT_UNMARK_SUPER, MMUEXT_FLUSH_CACHE, MMUEXT_FLUSH_CACHE_GLOBAL, 14, 99,
      0xffffffff};
  const unsigned kind = random.below(100);
  if (kind < 30) return MMUEXT_PIN_L1_TABLE + random.below(4);
  if (kind < 55) return MMUEXT_UNPIN_TABLE;
  if (kind < 70) return MMUEXT_TLB_FLUSH_LOCAL + random.below(6);
  if (kind < 74) return MMUEXT_SET_LDT;
  if (shared || kind >= 97) return random.pick(kAnything);
  if (kind < 80) return MMUEXT_NEW_USER_BASEPTR;
  if (kind < 87) return MMUEXT_NEW_BASEPTR;
  return kind < 92 ? MMUEXT_CLEAR_PAGE : MMUEXT_COPY_PAGE;
}

bool is_pin(unsigned command) {
  return command <= MMUEXT_UNPIN_TABLE;
}

// Frames to run on, or for the guest's user: all of them lead to the kernel.
uint64_t base_pointer(Random& random) {
  return random.percent(30) ? boot_root_mfn() : root_mfn(random.below(kRootCount));
}

}  // namespace

void fill_update(Random& random, mmu_update_t& update) {
  const EntryPlace place = random_place(random);
  const unsigned level = random.percent(95) ? place.level : 1 + random.below(4);
  unsigned command = MMU_NORMAL_PT_UPDATE;
  if (random.percent(35))
    command = random.percent(80) ? MMU_PT_UPDATE_PRESERVE_AD : random.below(8);
  update.ptr = place.machine_address | command;
  update.val = random_entry(random, level);
}

void fill_operation(Cpu& cpu, mmuext_op_t& operation, bool shared) {
  Random& random = cpu.random;
  operation = {};
  operation.cmd = random_command(random, shared);
  operation.arg1.mfn = random_mfn(random);
  switch (operation.cmd) {
    case MMUEXT_NEW_BASEPTR:
      operation.arg1.mfn = base_pointer(random);
      break;
    case MMUEXT_NEW_USER_BASEPTR:
      if (random.percent(80)) operation.arg1.mfn = random.one_in(4) ? 0 : base_pointer(random);
      break;
    case MMUEXT_CLEAR_PAGE:
    case MMUEXT_COPY_PAGE:
      operation.arg1.mfn = frame_mfn(random.below(kFrameCount));
      operation.arg2.src_mfn = random_mfn(random);
      break;
    case MMUEXT_SET_LDT:
      operation.arg1.linear_addr = random_mapped_address(random);
      operation.arg2.nr_ents = random.below(3) * 4097;
      break;
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_INVLPG_ALL:
    case MMUEXT_TLB_FLUSH_MULTI:
      operation.arg1.linear_addr = random_mapped_address(random);
      operation.arg2.src_mfn = bad_pointer(cpu);  // the place of a bitmap, for those of several
      break;
    default:
      if (!shared && is_pin(operation.cmd) && random.percent(15)) {
        operation.arg1.mfn = base_pointer(random);
        if (operation.cmd != MMUEXT_UNPIN_TABLE) operation.cmd = MMUEXT_PIN_L4_TABLE;
      }
  }
}

Request make_mmu_update(Cpu& cpu) {
  Random& random = cpu.random;
  const unsigned count = random.percent(60) ? 1 + random.below(4) : 1 + random.below(40);
  auto* updates = cpu.allocate_array<mmu_update_t>(count);
  for (unsigned i = 0; i < count; ++i) fill_update(random, updates[i]);
  return {__HYPERVISOR_mmu_update,
          {array_place(cpu, updates), maybe_huge(random, count), random_done(cpu),
           random_domain(random)}};
}

Request make_mmuext_op(Cpu& cpu) {
  Random& random = cpu.random;
  const unsigned count = 1 + random.below(6);
  auto* operations = cpu.allocate_array<mmuext_op_t>(count);
  for (unsigned i = 0; i < count; ++i) fill_operation(cpu, operations[i], false);
  return {__HYPERVISOR_mmuext_op,
          {array_place(cpu, operations), maybe_huge(random, count), random_done(cpu),
           random_domain(random)}};
}

Request make_va_mapping(Cpu& cpu) {
  Random& random = cpu.random;
  const uint64_t address = random.percent(95) ? random_mapped_address(random)
                                              : 0xffff800000000000 + (random.next() >> 20);
  return {__HYPERVISOR_update_va_mapping, {address, random_entry(random, 1), random_flush(cpu)}};
}

Request make_update_descriptor(Cpu& cpu) {
  constexpr uint64_t kDescriptors[] = {0,
                                       0x00affb000000ffff,   // code of ring 3
                                       0x00cff3000000ffff,   // data of ring 3
                                       0x00af9b000000ffff,   // code of ring 0
                                       0x0010ec0000081000,   // a call gate into ring 0
                                       0x0000890000000067};  // a task state
  Random& random = cpu.random;
  const uint64_t place =
      frame_mfn(random.below(kFrameCount)) * kPageSize + random.below(512) * 8 + random.below(2);
  return {__HYPERVISOR_update_descriptor,
          {random.percent(90) ? place : random_place(random).machine_address,
           random.percent(90) ? random.pick(kDescriptors) : random.next()}};
}

Request make_set_gdt(Cpu& cpu) {
  Random& random = cpu.random;
  const unsigned count = random.below(4);
  auto* frames = cpu.allocate_array<uint64_t>(16);
  for (unsigned i = 0; i < 16; ++i) frames[i] = frame_mfn(random.below(kFirstTableFrame));
  return {__HYPERVISOR_set_gdt, {maybe_bad(cpu, frames), maybe_huge(random, count * 512)}};
}

Request make_nested_multicall(Cpu& cpu) {
  auto* entry = cpu.allocate_array<multicall_entry_t>(1);
  *entry = list_entry(make_va_mapping(cpu));
  return {__HYPERVISOR_multicall, {maybe_bad(cpu, entry), 1}};
}

}  // namespace random_hostile
