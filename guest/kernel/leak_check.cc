#include "leak_check.h"

#include "accelerator/driver.h"
#include "console.h"
#include "frames.h"
#include "mm/mm.h"
#include "process_table.h"
#include "task.h"

namespace kernel {

LeakCheck::LeakCheck() : frames_(used_frame_count()), tasks_(tasks_in_use()) {}

bool LeakCheck::clean() const {
  const AcceleratorUse device = accelerator_use();
  return used_frame_count() == frames_ && tasks_in_use() == tasks_ + device.threads &&
         !mm_leaks().any() && !device.any() && table_locks_held() == 0 &&
         !process_table_lock().held();
}

void LeakCheck::report() const {
  const auto say = [](const char* what, uint64_t before, uint64_t now) {
    if (before != now) {
      console_print("%ld %s leaked\n", static_cast<int64_t>(now - before), what);
    }
  };
  const MmLeaks leaks = mm_leaks();
  say("frames", frames_, used_frame_count());
  const AcceleratorUse device = accelerator_use();
  say("threads", tasks_ + device.threads, tasks_in_use());
  say("address spaces", 0, leaks.address_spaces);
  say("areas", 0, leaks.areas);
  say("shared objects", 0, leaks.shared_objects);
  say("swap slots", 0, leaks.swap_slots);
  say("contexts of the accelerator", 0, device.contexts);
  say("commands of the accelerator", 0, device.commands);
  say("pages held for the accelerator", 0, device.pages);
  say("locks of tables", 0, table_locks_held());
  say("locks of the process table", 0, process_table_lock().held() ? 1 : 0);
}

}  // namespace kernel
