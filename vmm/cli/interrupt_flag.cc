#include "cli/interrupt_flag.h"

#include <signal.h>

#include <atomic>

namespace vmm {
namespace {

std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // used in a signal handler

void set_flag(int) {
  flag.store(true);
}

}  // namespace

void install_interrupt_flag() {
  struct sigaction action {};
  action.sa_handler = set_flag;
  action.sa_flags = SA_RESETHAND;  // no SA_RESTART: what waits shall look at the flag
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool interrupted() {
  return flag.load();
}

}  // namespace vmm
