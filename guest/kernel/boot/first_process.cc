#include "boot/first_process.h"

#include "abi/xen.h"
#include "accounting.h"
#include "arch/trap_frame.h"
#include "console.h"
#include "frames.h"
#include "mm/mm.h"
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

// An address space with the interpreter and the program; runs on this processor from then on.
Mm& load_program(ImageInfo& info) {
  OperationScope scope(Operation::kExec);
  Mm* mm = mm_create();
  if (mm == nullptr) {
    panic("no memory for the first process");
  }
  if (const int64_t error = mm_map_image(*mm, interpreter_image(), program, info); error != 0) {
    panic("the program cannot be loaded: error %ld", -error);
  }
  sched_load_mm(*mm);
  return *mm;
}

// Other processors may still be taking down what they were the last to use.
uint64_t frames_still_used(uint64_t expected) {
  constexpr unsigned kMaxRounds = 100'000;
  for (unsigned round = 0; round < kMaxRounds; ++round) {
    if (used_frame_count() == expected && !sched_any_loaded_elsewhere()) {
      break;
    }
    sched_ask_unload(nullptr);
    if (cpu_count() == 1) {
      break;
    }
    spin_wait(round);
  }
  return used_frame_count() - expected;
}

[[noreturn]] void end_guest(uint32_t code, uint64_t used_before) {
  sched_unload_mm();
  if (const uint64_t leaked = frames_still_used(used_before); leaked != 0) {
    console_print("%ld frames leaked\n", static_cast<int64_t>(leaked));
    code = code == 0 ? kLeakExitCode : code;
  }
  if (code != 0) {
    console_print("the guest failed: pid 1 ended with %u\n", code);
  }
  accounting_set_exit_code(code);
  arch_shutdown(SHUTDOWN_poweroff);
}

void run_first_process(void*) {
  const uint64_t used_before = used_frame_count();
  ImageInfo info{};
  Mm& mm = load_program(info);
  const uint64_t arguments[3] = {info.program, info.program_byte_count, options().seed};
  if (!process_start_first(mm, user_start_frame(info.entry, info.stack_top, arguments))) {
    panic("no room for the first process");
  }
  accounting_set_phase(guest_abi::kPhaseMain);
  const uint32_t code = process_wait_for_all();
  OperationScope scope(Operation::kExit);
  end_guest(code, used_before);
}

}  // namespace

std::span<const std::byte> interpreter_image() {
  return {interpreter_image_start, interpreter_image_end};
}

void start_first_process(std::span<const std::byte> boot_module) {
  program = boot_module;
  Task* task = sched_start_kernel_thread(run_first_process, nullptr, Operation::kBoot);
  kernel_assert(task != nullptr, "no task for the first thread");
}

}  // namespace kernel
