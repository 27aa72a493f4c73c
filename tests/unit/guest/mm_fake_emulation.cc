#include "mm_fake_emulation.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdlib>

namespace kernel::test {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr greg_t kTrapFlag = 0x100;

MayEmulate may_emulate_store;
void* open_page;  // writable until the instruction is done

greg_t& flags_of(void* context) {
  return static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL];
}

void on_store(int, siginfo_t* info, void* context) {
  void* page =
      reinterpret_cast<void*>(reinterpret_cast<uint64_t>(info->si_addr) & ~(kPageBytes - 1));
  if (open_page != nullptr || !may_emulate_store(page)) {
    signal(SIGSEGV, SIG_DFL);  // and the instruction faults again, for good
    return;
  }
  open_page = page;
  mprotect(page, kPageBytes, PROT_READ | PROT_WRITE);
  flags_of(context) |= kTrapFlag;
}

void on_step(int, siginfo_t*, void* context) {
  mprotect(open_page, kPageBytes, PROT_READ);
  open_page = nullptr;
  flags_of(context) &= ~kTrapFlag;
}

}  // namespace

void install_emulation(MayEmulate may_emulate) {
  may_emulate_store = may_emulate;
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  action.sa_sigaction = on_store;
  if (sigaction(SIGSEGV, &action, nullptr) != 0) {
    std::abort();
  }
  action.sa_sigaction = on_step;
  if (sigaction(SIGTRAP, &action, nullptr) != 0) {
    std::abort();
  }
}

}  // namespace kernel::test
