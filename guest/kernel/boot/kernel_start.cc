// The boot processor's way from the first instruction to the idle loop.
#include <string.h>

#include "abi/xen.h"
#include "accounting.h"
#include "arch/boot.h"
#include "arch/memory.h"
#include "boot/direct_map.h"
#include "boot/first_process.h"
#include "boot/processors.h"
#include "console.h"
#include "frames.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "options.h"
#include "panic.h"
#include "pte_rules/checker.h"
#include "sched/events.h"
#include "sched/scheduler.h"
#include "task.h"

namespace kernel {
namespace {

using pvmmu::Pfn;

constinit Task boot_idle_task;

void read_command_line(const start_info_t& start_info) {
  const auto* text = reinterpret_cast<const char*>(start_info.cmd_line);
  Options wanted;
  const OptionError error = parse_options(text, sizeof(start_info.cmd_line), wanted);
  if (error.word != nullptr) {
    panic("the command line says '%.*s', which means nothing here", static_cast<int>(error.length),
          error.word);
  }
  set_options(wanted);
}

uint64_t divide_up(uint64_t count, uint64_t by) {
  return (count + by - 1) / by;
}

// Takes frames from the end of memory, which nobody uses before.
class TopOfMemory {
 public:
  explicit TopOfMemory(const BootMemory& boot, Pfn used_end)
      : lowest_(boot.frame_total), limit_(used_end) {
    if (boot.module_pages != 0 && limit_ < boot.module + boot.module_pages) {
      limit_ = boot.module + boot.module_pages;
    }
  }
  Pfn take(uint64_t count) {
    if (lowest_ < limit_.raw() + count) {
      panic("too little memory");
    }
    lowest_ -= count;
    return Pfn(lowest_);
  }
  Pfn end_of_rest() const { return Pfn(lowest_); }

 private:
  uint64_t lowest_;
  Pfn limit_;
};

void add_range(Pfn first, Pfn end) {
  if (first < end) {
    frames_add(first, end.raw() - first.raw());
  }
}

// Descriptors and thread stacks at the top; what is left goes to the allocator, the frames above
// the image first, so that a short run touches few different tables of the direct map.
void start_frames(const BootMemory& boot, Pfn used_end) {
  constexpr uint64_t kFramesPerTask = 64;
  TopOfMemory top(boot, used_end);
  const Pfn descriptors = top.take(divide_up(boot.frame_total * sizeof(Page), pvmmu::kPageSize));
  const uint64_t wanted_tasks = boot.frame_total / kFramesPerTask;
  const auto task_count =
      static_cast<unsigned>(wanted_tasks < kMaxTasks ? wanted_tasks : uint64_t{kMaxTasks});
  const Pfn stacks = top.take(task_count * kStackPages);
  if (options().rules.any()) {
    void* storage = frame_address(top.take(pte_rules::kStoragePages));
    memset(storage, 0, pte_rules::kStoragePages * pvmmu::kPageSize);
    pte_rules::start(options().rules, storage, pte_rules::kStoragePages * pvmmu::kPageSize);
  }

  frames_start(static_cast<Page*>(frame_address(descriptors)), boot.frame_total);
  add_range(Pfn(0), boot.image);
  if (boot.module_pages == 0) {
    add_range(used_end, top.end_of_rest());
  } else {
    const Pfn module_end = boot.module + boot.module_pages;
    add_range(used_end < module_end ? module_end : used_end, top.end_of_rest());
    add_range(used_end, boot.module);
  }
  tasks_start(frame_address(stacks), task_count);
}

std::span<const std::byte> boot_module(const start_info_t& start_info) {
  if (start_info.mod_len == 0) {
    return {};
  }
  return {static_cast<const std::byte*>(frame_address(Pfn(start_info.mod_start))),
          start_info.mod_len};
}

void say_hello() {
  const Options& chosen = options();
  console_print("pvmmu guest: %u vCPU%s, %lu MiB, mode %s, split_ptl %s, batch %u:%u, seed %lu\n",
                chosen.vcpus, chosen.vcpus == 1 ? "" : "s", frame_count() >> 8,
                mode_name(chosen.mode), chosen.split_ptl ? "on" : "off", chosen.batch.entries,
                chosen.batch.argument_bytes, chosen.seed);
}

}  // namespace

extern "C" void kernel_start(const start_info_t* start_info) {
  arch_start(*start_info, cpu_of(0));
  accounting_set_operation(Operation::kBoot);
  read_command_line(*start_info);
  arch_start_memory(*start_info);
  accounting_start(cpu_count());
  ahead_start();
  say_hello();

  const BootMemory boot = find_boot_memory(*start_info);
  const Pfn used_end = build_direct_map(boot);
  start_frames(boot, used_end);
  mm_boot(page_of(boot.tables));
  mm_start_vcpu(0);
  tasks_guard_stacks();
  events_start(this_cpu());
  sched_start_cpu(boot_idle_task);
  start_processors(mfn_from_pfn(boot.tables));
  timer_start();
  start_first_process(boot_module(*start_info));
  sched_idle_loop();
}

}  // namespace kernel
