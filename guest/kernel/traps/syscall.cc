// System calls: numbers, arguments, and who does the work. [guest_abi/syscall.h]
#include "guest_abi/syscall.h"

#include "accelerator/driver.h"
#include "accounting.h"
#include "console.h"
#include "linux_errno.h"
#include "mm/mm.h"
#include "options.h"
#include "percpu.h"
#include "process.h"
#include "sched/scheduler.h"
#include "traps/trap.h"

namespace kernel {
namespace {

using guest_abi::Syscall;

constexpr uint64_t kMaxWrite = 256;

// The result goes to the frame that the handler leaves, which only exec replaces.
using Handler = int64_t (*)(TrapFrame& frame);

uint64_t argument(const TrapFrame& frame, unsigned i) {
  return frame.syscall_argument(i);
}

int64_t do_exit(TrapFrame& frame) {
  process_exit_thread(static_cast<uint32_t>(argument(frame, 0)));
}

int64_t do_fork(TrapFrame& frame) {
  return process_fork(frame);
}

int64_t do_wait(TrapFrame& frame) {
  return process_wait(argument(frame, 0));
}

int64_t do_yield(TrapFrame&) {
  sched_yield();
  return 0;
}

int64_t do_mmap(TrapFrame& frame) {
  return sys_mmap(current_mm(), argument(frame, 0), argument(frame, 1), argument(frame, 2),
                  argument(frame, 3));
}

int64_t do_munmap(TrapFrame& frame) {
  return sys_munmap(current_mm(), argument(frame, 0), argument(frame, 1));
}

int64_t do_mprotect(TrapFrame& frame) {
  return sys_mprotect(current_mm(), argument(frame, 0), argument(frame, 1), argument(frame, 2));
}

int64_t do_mprotect_naive(TrapFrame& frame) {
  return sys_mprotect_naive(current_mm(), argument(frame, 0), argument(frame, 1),
                            argument(frame, 2));
}

int64_t do_write(TrapFrame& frame) {
  char bytes[kMaxWrite];
  const uint64_t count = argument(frame, 1);
  if (count > sizeof(bytes)) {
    return -kEinval;
  }
  if (const int64_t error = copy_from_user(current_mm(), bytes, argument(frame, 0), count);
      error != 0) {
    return error;
  }
  console_write(bytes, count);
  return static_cast<int64_t>(count);
}

int64_t do_phase(TrapFrame& frame) {
  const uint64_t phase = argument(frame, 0);
  if (phase >= guest_abi::kMaxPhases) {
    return -kEinval;
  }
  accounting_set_phase(static_cast<uint32_t>(phase));
  return 0;
}

int64_t do_get_pid(TrapFrame&) {
  return process_current_pid();
}

int64_t do_fault_handler(TrapFrame& frame) {
  this_cpu().current->fault_handler = argument(frame, 0);
  return 0;
}

int64_t do_populate(TrapFrame& frame) {
  if (argument(frame, 2) >= guest_abi::kMaxPhases) {
    return -kEinval;
  }
  return sys_populate(current_mm(), argument(frame, 0), argument(frame, 1), argument(frame, 2));
}

int64_t do_pin_test(TrapFrame& frame) {
  if (argument(frame, 1) >= guest_abi::kMaxPhases || argument(frame, 2) >= guest_abi::kMaxPhases) {
    return -kEinval;
  }
  return sys_pin_test(argument(frame, 0), argument(frame, 1), argument(frame, 2));
}

int64_t do_pte_query(TrapFrame& frame) {
  return sys_pte_query(current_mm(), argument(frame, 0));
}

int64_t do_clear_refs(TrapFrame& frame) {
  return sys_clear_refs(current_mm(), argument(frame, 0), argument(frame, 1));
}

int64_t do_test_and_clear_young(TrapFrame& frame) {
  return sys_test_and_clear_young(current_mm(), argument(frame, 0), argument(frame, 1));
}

int64_t do_thread_create(TrapFrame& frame) {
  return process_create_thread(argument(frame, 0), argument(frame, 1), argument(frame, 2));
}

int64_t do_madvise_dontneed(TrapFrame& frame) {
  return sys_madvise_dontneed(current_mm(), argument(frame, 0), argument(frame, 1));
}

int64_t do_nanosleep_ticks(TrapFrame& frame) {
  sched_sleep(argument(frame, 0));
  return 0;
}

int64_t do_shutdown(TrapFrame& frame) {
  return process_shutdown(static_cast<uint32_t>(argument(frame, 0)));
}

int64_t do_vcpu_id(TrapFrame&) {
  return current_cpu();
}

int64_t do_vcpu_count(TrapFrame&) {
  return cpu_count();
}

int64_t do_mremap(TrapFrame& frame) {
  return sys_mremap(current_mm(), argument(frame, 0), argument(frame, 1), argument(frame, 2));
}

int64_t do_swap_out(TrapFrame& frame) {
  return sys_swap_out(current_mm(), argument(frame, 0), argument(frame, 1));
}

int64_t do_writeback(TrapFrame& frame) {
  return sys_writeback(current_mm(), argument(frame, 0), argument(frame, 1));
}

// On success the frame is the new program's, which finds its arguments there.
int64_t do_exec(TrapFrame& frame) {
  const uint64_t start = argument(frame, 0);
  const int64_t error = process_exec(frame);
  if (error == 0) {
    frame.rcx = start;
  }
  return error;
}

int64_t do_device_submit(TrapFrame& frame) {
  return accelerator_submit({argument(frame, 0), argument(frame, 1), argument(frame, 2),
                             argument(frame, 3), argument(frame, 4), argument(frame, 5)});
}

int64_t do_device_wait(TrapFrame&) {
  return accelerator_wait();
}

int64_t do_device_result(TrapFrame&) {
  return static_cast<int64_t>(this_cpu().current->device_result);
}

int64_t do_race_pin(TrapFrame& frame) {
  return sys_race_pin(argument(frame, 1));
}

int64_t do_race_set(TrapFrame&) {
  return sys_race_set();
}

int64_t do_retype(TrapFrame& frame) {
  return sys_retype(current_mm(), argument(frame, 0), argument(frame, 1));
}

struct Entry {
  Syscall number;
  Operation operation;
  Handler handler;
};

constexpr Entry kEntries[] = {
    {Syscall::kExit, Operation::kExit, do_exit},
    {Syscall::kFork, Operation::kFork, do_fork},
    {Syscall::kWait, Operation::kWait, do_wait},
    {Syscall::kYield, Operation::kSchedule, do_yield},
    {Syscall::kMmap, Operation::kMmap, do_mmap},
    {Syscall::kMunmap, Operation::kMunmap, do_munmap},
    {Syscall::kMprotect, Operation::kMprotect, do_mprotect},
    {Syscall::kWrite, Operation::kConsole, do_write},
    {Syscall::kPhase, Operation::kOtherSyscall, do_phase},
    {Syscall::kGetPid, Operation::kOtherSyscall, do_get_pid},
    {Syscall::kFaultHandler, Operation::kOtherSyscall, do_fault_handler},
    {Syscall::kPopulate, Operation::kPopulate, do_populate},
    {Syscall::kPinTest, Operation::kPin, do_pin_test},
    {Syscall::kPteQuery, Operation::kOtherSyscall, do_pte_query},
    {Syscall::kClearRefs, Operation::kAge, do_clear_refs},
    {Syscall::kTestAndClearYoung, Operation::kAge, do_test_and_clear_young},
    {Syscall::kMprotectNaive, Operation::kMprotect, do_mprotect_naive},
    {Syscall::kThreadCreate, Operation::kClone, do_thread_create},
    {Syscall::kMadviseDontNeed, Operation::kMadvise, do_madvise_dontneed},
    {Syscall::kNanosleepTicks, Operation::kSchedule, do_nanosleep_ticks},
    {Syscall::kShutdown, Operation::kExit, do_shutdown},
    {Syscall::kVcpuId, Operation::kOtherSyscall, do_vcpu_id},
    {Syscall::kVcpuCount, Operation::kOtherSyscall, do_vcpu_count},
    {Syscall::kMremap, Operation::kMremap, do_mremap},
    {Syscall::kSwapOut, Operation::kSwap, do_swap_out},
    {Syscall::kWriteback, Operation::kWriteback, do_writeback},
    {Syscall::kExec, Operation::kExec, do_exec},
    {Syscall::kDeviceSubmit, Operation::kDevice, do_device_submit},
    {Syscall::kDeviceWait, Operation::kDevice, do_device_wait},
    {Syscall::kDeviceResult, Operation::kDevice, do_device_result},
    {Syscall::kRacePin, Operation::kPin, do_race_pin},
    {Syscall::kRaceSet, Operation::kOtherSyscall, do_race_set},
    {Syscall::kRetype, Operation::kOtherSyscall, do_retype},
};

constexpr bool table_is_in_order() {
  uint64_t number = 0;
  for (const Entry& entry : kEntries) {
    if (static_cast<uint64_t>(entry.number) != number++) {
      return false;
    }
  }
  return number == static_cast<uint64_t>(Syscall::kCount);
}
static_assert(table_is_in_order(), "each system call has its place in the table");

}  // namespace

void dispatch_syscall(TrapFrame& frame) {
  const uint64_t number = frame.syscall_number();
  if (number >= static_cast<uint64_t>(Syscall::kCount)) {
    frame.set_syscall_result(-kEnosys);
    return;
  }
  const Entry& entry = kEntries[number];
  OperationScope scope(entry.operation);
  frame.set_syscall_result(entry.handler(frame));
}

}  // namespace kernel
