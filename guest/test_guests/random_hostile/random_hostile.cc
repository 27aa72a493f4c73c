// A guest whose every vCPU does random things to the hypervisor and to its own tables, for a number
// of rounds or seconds. Command line: seed=N rounds=N seconds=N. Prints what it counted, and powers
// off. The hypervisor may end it with a report; it may not do anything else.
#include "guest_abi/accounting.h"
#include "random_hostile/actions.h"
#include "random_hostile/clock.h"
#include "random_hostile/options.h"
#include "random_hostile/pool.h"
#include "runtime/console.h"

namespace random_hostile {

using test_guest::print;

namespace {

struct Weighted {
  unsigned weight;
  Action action;
};

constexpr Weighted kActions[] = {{40, one_call},
                                 {25, multicall},
                                 {10, wild_list},
                                 {12, shared_list},
                                 {10, self_mapping_list},
                                 {20, build_tree},
                                 {10, build_root},
                                 {12, release_frames},
                                 {2, map_boot_table},
                                 {4, go_home},
                                 {15, store_to_tables},
                                 {6, store_storm},
                                 {3, bad_handlers},
                                 {5, enter_user},
                                 {2, return_with_flags},
                                 {2, use_descriptors},
                                 {3, privileged_instruction},
                                 {2, raw_gate},
                                 {1, block_for_timer},
                                 {1, stop_other},
                                 {1, wild_vcpu}};

constexpr unsigned sum_of_weights() {
  unsigned sum = 0;
  for (const Weighted& entry : kActions) sum += entry.weight;
  return sum;
}

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kPatience = 5 * kSecond;  // for the other vCPU at the end

Options options;
uint64_t end_time = ~uint64_t{0};
unsigned finished;  // vCPUs; atomic
bool ended;         // one of them ends the guest; atomic

alignas(test_guest::kStackSize) uint8_t second_stack[test_guest::kStackSize];
alignas(kPageSize) uint8_t time_page[kPageSize];
vcpu_guest_context_t second_context;

bool goes_on(const Cpu& cpu) {
  if (options.seconds != 0) return system_time() < end_time;
  return cpu.tally.rounds < options.rounds;
}

void run_rounds(Cpu& cpu) {
  while (goes_on(cpu)) {
    cpu.new_round();
    unsigned chosen = cpu.random.below(sum_of_weights());
    const Weighted* entry = kActions;
    while (chosen >= entry->weight) chosen -= entry++->weight;
    entry->action(cpu);
    wake_stopped(cpu);
    ++cpu.tally.rounds;
  }
}

// One of the frames may have become the accounting page, which says how the guest ended: what
// random stores left there is no failure.
void clear_exit_codes() {
  auto* page = reinterpret_cast<volatile guest_abi::AccountingPage*>(time_page);
  for (unsigned frame = 0; frame < kFrameCount; ++frame) {
    const int64_t result =
        test_guest::hypercall(__HYPERVISOR_update_va_mapping, address_of(time_page),
                              frame_mfn(frame) * kPageSize | kWritableFlags, UVMF_INVLPG);
    if (result == 0) page->exit_code = 0;
  }
}

void end_well() {
  clear_exit_codes();
  print("random-hostile: seed ", static_cast<int64_t>(options.seed), ", vCPUs ",
        static_cast<int64_t>(cpu_count()));
  Tally sum;
  for (unsigned i = 0; i < cpu_count(); ++i) sum.add(cpu_of(i).tally);
  sum.print();
  test_guest::shut_down(SHUTDOWN_poweroff);
}

[[noreturn]] void finish(Cpu& cpu) {
  __atomic_fetch_add(&finished, 1, __ATOMIC_ACQ_REL);
  const uint64_t deadline = system_time() + kPatience;
  while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < cpu_count() && system_time() < deadline) {
    wake_stopped(cpu);
    cpu.call(test_guest::kSchedOp, SCHEDOP_yield);
  }
  if (!__atomic_exchange_n(&ended, true, __ATOMIC_ACQ_REL)) end_well();
  for (;;) cpu.call(test_guest::kSchedOp, SCHEDOP_yield);
}

extern "C" void second_main() {
  test_guest::stack_head().cpu = 1;
  restore_handlers();
  Cpu& cpu = cpu_of(1);
  run_rounds(cpu);
  finish(cpu);
}

// false: there is only one.
bool start_second() {
  vcpu_guest_context_t& context = second_context;
  context.flags = VGCF_in_kernel | VGCF_syscall_disables_events | VGCF_failsafe_disables_events;
  context.user_regs.rip = reinterpret_cast<uint64_t>(&second_main);
  // As if called: the stack is 8 bytes off a multiple of 16.
  context.user_regs.rsp = address_of(second_stack) + sizeof(second_stack) - 8;
  context.kernel_ss = FLAT_KERNEL_SS;
  context.kernel_sp = context.user_regs.rsp;
  context.ctrlreg[3] = test_guest::root_mfn() * kPageSize;
  if (test_guest::hypercall(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, address_of(&context)) !=
      0) {
    return false;
  }
  set_cpu_count(2);
  const int64_t result = test_guest::hypercall(__HYPERVISOR_vcpu_op, VCPUOP_up, 1);
  if (result != 0) print("ERROR: the second vCPU does not start: ", result);
  return result == 0;
}

void read_start_time() {
  const uint64_t address = address_of(time_page);
  const uint64_t mfn = test_guest::mfn_of_address(time_page);
  test_guest::hypercall(__HYPERVISOR_update_va_mapping, address,
                        test_guest::start_info().shared_info | kWritableFlags, UVMF_INVLPG);
  set_up_clock(time_page);
  test_guest::hypercall(__HYPERVISOR_update_va_mapping, address, mfn * kPageSize | kWritableFlags,
                        UVMF_INVLPG);
}

extern "C" char text_end[];

// At the start of day all is writable, the code too: results that the hypervisor writes to wild
// addresses must not end there.
void protect_code() {
  const uint64_t end = address_of(text_end);
  for (uint64_t page = address_of(test_guest::hypercall_page); page < end; page += kPageSize) {
    const uint64_t mfn = test_guest::mfn_of_address(reinterpret_cast<const void*>(page));
    const int64_t result = test_guest::hypercall(__HYPERVISOR_update_va_mapping, page,
                                                 mfn * kPageSize | kReadOnlyFlags, UVMF_INVLPG);
    if (result != 0) print("ERROR: code cannot be made read-only: ", result);
  }
}

// The window's table stays a table, whatever becomes of the entry that leads to it.
void keep_window_table() {
  mmuext_op_t operation = {};
  operation.cmd = MMUEXT_PIN_L1_TABLE;
  operation.arg1.mfn = window_table_mfn();
  const int64_t result =
      test_guest::hypercall(__HYPERVISOR_mmuext_op, address_of(&operation), 1, 0, DOMID_SELF);
  if (result != 0) print("ERROR: the window's table cannot be pinned: ", result);
}

}  // namespace
}  // namespace random_hostile

extern "C" void guest_main(const start_info_t* info) {
  using namespace random_hostile;
  test_guest::remember_start_info(info);
  restore_handlers();
  options = parse_options(reinterpret_cast<const char*>(info->cmd_line));
  protect_code();
  read_start_time();
  set_up_pool();
  keep_window_table();
  for (unsigned i = 0; i < kMaxCpus; ++i) set_up_cpu(i, options.seed);
  if (options.seconds != 0) end_time = system_time() + options.seconds * kSecond;
  start_second();
  Cpu& cpu = cpu_of(0);
  run_rounds(cpu);
  finish(cpu);
}
