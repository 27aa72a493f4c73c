#include "boot/first_process.h"

#include "abi/xen.h"
#include "accounting.h"
#include "arch/trap_frame.h"
#include "console.h"
#include "lazy_lab/lab.h"
#include "leak_check.h"
#include "linux_errno.h"
#include "options.h"
#include "panic.h"
#include "process.h"
#include "sched/scheduler.h"

extern "C" const std::byte interpreter_image_start[];
extern "C" const std::byte interpreter_image_end[];

namespace kernel {
namespace {

constexpr uint32_t kLeakExitCode = 1;

constinit std::span<const std::byte> program;

// Other processors may still be taking down what they were the last to use.
bool is_clean_soon(const LeakCheck& leaks) {
  constexpr unsigned kMaxRounds = 100'000;
  for (unsigned round = 0; round < kMaxRounds; ++round) {
    if (leaks.clean() && !sched_any_loaded_elsewhere()) {
      return true;
    }
    sched_ask_unload(nullptr);
    if (cpu_count() == 1) {
      break;
    }
    spin_wait(round);
  }
  return leaks.clean();
}

[[noreturn]] void end_guest(uint32_t code, const LeakCheck& leaks) {
  sched_unload_mm();
  if (!is_clean_soon(leaks)) {
    leaks.report();
    code = code == 0 ? kLeakExitCode : code;
  }
  if (code != 0 && !lazy_lab_is_open()) {
    console_print("the guest failed: pid 1 ended with %u\n", code);
  }
  accounting_set_exit_code(code);
  arch_shutdown(SHUTDOWN_poweroff);
}

void start_program() {
  OperationScope scope(Operation::kExec);
  ImageInfo info{};
  Mm* mm = nullptr;
  if (const int64_t error = load_program(mm, info); error != 0) {
    panic("the program cannot be loaded: error %ld", -error);
  }
  sched_load_mm(*mm);
  if (!process_start_first(*mm, program_start_frame(info))) {
    panic("no room for the first process");
  }
}

void run_first_process(void*) {
  const LeakCheck leaks;
  if (lazy_lab_is_open()) {
    end_guest(lazy_lab_run(), leaks);
  }
  start_program();
  accounting_set_phase(guest_abi::kPhaseMain);
  const uint32_t code = process_wait_for_all();
  OperationScope scope(Operation::kExit);
  end_guest(code, leaks);
}

}  // namespace

int64_t load_program(Mm*& mm, ImageInfo& info) {
  mm = mm_create();
  if (mm == nullptr) {
    return -kEnomem;
  }
  const int64_t error = mm_map_image(*mm, interpreter_image(), program, info);
  if (error != 0) {
    mm_put(*mm);
  }
  return error;
}

TrapFrame program_start_frame(const ImageInfo& info) {
  const uint64_t arguments[3] = {info.program, info.program_byte_count, options().seed};
  return user_start_frame(info.entry, info.stack_top, arguments);
}

std::span<const std::byte> interpreter_image() {
  return {interpreter_image_start, interpreter_image_end};
}

void start_first_process(std::span<const std::byte> boot_module) {
  program = boot_module;
  Task* task = sched_start_kernel_thread(run_first_process, nullptr, Operation::kBoot);
  kernel_assert(task != nullptr, "no task for the first thread");
}

}  // namespace kernel
