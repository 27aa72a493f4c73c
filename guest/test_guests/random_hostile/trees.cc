// Plausible tables: opened (mapped writable at home), filled, closed (mapped read-only), pinned.
#include "random_hostile/actions.h"
#include "random_hostile/pool.h"
#include "random_hostile/values.h"

namespace random_hostile {
namespace {

int64_t map_home(Cpu& cpu, uint64_t address, uint64_t mfn, uint64_t flags) {
  const uint64_t flush = cpu.random.percent(70) ? UVMF_INVLPG | UVMF_ALL : random_flush(cpu);
  return cpu.call(__HYPERVISOR_update_va_mapping, address, mfn * kPageSize | flags, flush);
}

int64_t operate(Cpu& cpu, unsigned command, uint64_t mfn) {
  auto* operation = cpu.allocate_array<mmuext_op_t>(1);
  *operation = {};
  operation->cmd = command;
  operation->arg1.mfn = mfn;
  return cpu.call(__HYPERVISOR_mmuext_op, address_of(operation), 1, 0, DOMID_SELF);
}

// Makes the frame ordinary memory if nobody relies on it as a table.
bool open_frame(Cpu& cpu, unsigned frame) {
  return map_home(cpu, frame_address(frame), frame_mfn(frame), kWritableFlags) == 0;
}

bool fill_table(Cpu& cpu, unsigned frame, unsigned level, unsigned entries) {
  auto* table = reinterpret_cast<volatile uint64_t*>(frame_address(frame));
  return cpu.survives([&] {
    for (unsigned i = 0; i < 512; ++i) table[i] = 0;
    for (unsigned i = 0; i < entries; ++i) {
      uint64_t entry = random_entry(cpu.random, level);
      // One bad entry spoils the whole table: mostly take the harmless ones.
      for (unsigned tries = 0; tries < 2 && (entry & 3) == 3 && cpu.random.one_in(2); ++tries) {
        entry = random_entry(cpu.random, level);
      }
      table[random_slot(cpu.random)] = entry;
    }
  });
}

// Makes a frame into a table that nothing uses yet. false: the frame was not to be had.
bool make_table(Cpu& cpu, unsigned level, unsigned& frame) {
  frame = kFirstTableFrame + cpu.random.below(kFrameCount - kFirstTableFrame);
  if (!open_frame(cpu, frame)) {
    operate(cpu, MMUEXT_UNPIN_TABLE, frame_mfn(frame));
    if (!open_frame(cpu, frame)) return false;
  }
  const unsigned entries = level == 1 ? cpu.random.below(12) : 1 + cpu.random.below(3);
  if (!fill_table(cpu, frame, level, entries)) return false;
  // Now and then it stays writable, which must be noticed.
  if (cpu.random.percent(97)) {
    map_home(cpu, frame_address(frame), frame_mfn(frame), kReadOnlyFlags);
  }
  note_table(cpu.random, level, frame);
  return true;
}

uint64_t copied_entry(unsigned slot) {
  const auto* root = reinterpret_cast<const volatile uint64_t*>(test_guest::start_info().pt_base);
  return root[slot];
}

bool fill_root(Cpu& cpu, unsigned root) {
  auto* table = reinterpret_cast<volatile uint64_t*>(root_address(root));
  return cpu.survives([&] {
    for (unsigned slot = 0; slot < kKernelSlot; ++slot) {
      if (table[slot] != 0) table[slot] = 0;
    }
    for (unsigned i = cpu.random.below(4); i != 0; --i) {
      table[random_root_slot(cpu.random)] = random_entry(cpu.random, 4);
    }
    if (cpu.random.percent(10)) {
      const unsigned slot = 256 + cpu.random.below(16);
      table[slot] = copied_entry(slot);
    }
  });
}

}  // namespace

void build_tree(Cpu& cpu) {
  const unsigned top = 1 + cpu.random.below(3);
  unsigned frame = 0;
  for (unsigned level = 1; level <= top; ++level) {
    // The tables below, which are noted, are what the next one's entries lead to.
    const unsigned count = level == top ? 1 : 1 + cpu.random.below(2);
    for (unsigned i = 0; i < count; ++i) {
      if (!make_table(cpu, level, frame)) return;
    }
  }
  if (cpu.random.percent(20)) return;  // for others to use without a pin
  if (operate(cpu, MMUEXT_PIN_L1_TABLE + top - 1, frame_mfn(frame)) == 0) ++cpu.tally.trees;
}

void build_root(Cpu& cpu) {
  const unsigned root = cpu.random.below(kRootCount);
  const uint64_t mfn = root_mfn(root);
  if (map_home(cpu, root_address(root), mfn, kWritableFlags) == 0) fill_root(cpu, root);
  map_home(cpu, root_address(root), mfn, kReadOnlyFlags);
  constexpr unsigned kUses[] = {MMUEXT_PIN_L4_TABLE, MMUEXT_NEW_BASEPTR, MMUEXT_NEW_USER_BASEPTR};
  if (operate(cpu, cpu.random.pick(kUses), mfn) == 0) ++cpu.tally.trees;
}

void release_frames(Cpu& cpu) {
  for (unsigned count = 1 + cpu.random.below(8); count != 0; --count) {
    const unsigned frame = cpu.random.below(kFrameCount);
    if (frame >= kFirstTableFrame) operate(cpu, MMUEXT_UNPIN_TABLE, frame_mfn(frame));
    open_frame(cpu, frame);
  }
  operate(cpu, MMUEXT_UNPIN_TABLE, root_mfn(cpu.random.below(kRootCount)));
}

void map_boot_table(Cpu& cpu) {
  // Neither through a list nor into just any table: where this entry goes must be certain.
  const uint64_t address = frame_address(cpu.random.below(kFrameCount));
  const bool writable = cpu.random.one_in(2);
  const int64_t result = cpu.call(__HYPERVISOR_update_va_mapping, address,
                                  boot_table_leaf(cpu.random, writable), UVMF_INVLPG);
  if (result == 0 && writable) ++cpu.tally.violations;
}

void go_home(Cpu& cpu) {
  if (cpu.random.one_in(2)) operate(cpu, MMUEXT_NEW_BASEPTR, boot_root_mfn());
  if (cpu.random.one_in(2)) operate(cpu, MMUEXT_NEW_USER_BASEPTR, 0);
  auto* update = cpu.allocate_array<mmu_update_t>(1);
  *update = {window_l2_place(), window_table_mfn() * kPageSize | kWritableFlags};
  cpu.call(__HYPERVISOR_mmu_update, address_of(update), 1, 0, DOMID_SELF);
}

}  // namespace random_hostile
