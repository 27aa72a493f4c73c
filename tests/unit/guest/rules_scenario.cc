#include "rules_scenario.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <vector>

#include "guest_abi/syscall.h"
#include "mm/mm.h"
#include "mm_fake_machine.h"

namespace kernel::test {
namespace {

using guest_abi::kProtRead;
using guest_abi::kProtWrite;

constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kTable = 512 * kPage;
constexpr uint64_t kPages = 24;
constexpr uint64_t kReadWrite = kProtRead | kProtWrite;
// Apart from each other, and across the border of two L1 tables.
constexpr uint64_t kMemory = 0x40000000 - 12 * kPage;
constexpr uint64_t kElsewhere = 0x50000000 + 7 * kPage;
constexpr uint64_t kFile = 0x60000000;
constexpr uint64_t kWhole = 0x70000000;

// What the child leaves to its parent.
struct Shared {
  bool came_back;
  guest_abi::PteRuleReport rules;
  char text[8192];
};

Shared* shared = nullptr;

void leave(const char* why) {
  FakeMachine& machine = FakeMachine::instance();
  shared->rules = machine.rules();
  const std::string text = machine.console() + why;
  std::strncpy(shared->text, text.c_str(), sizeof(shared->text) - 1);
  _exit(0);
}

class Scenario {
 public:
  void run() {
    mm_ = mm_create();
    mm_activate(*mm_, 0);
    step([this] { sys_mmap(*mm_, kMemory, kPages * kPage, kReadWrite, guest_abi::kMapFixed); });
    step([this] { sys_mmap(*mm_, kFile, kPages * kPage, kReadWrite, kFileFlags); });
    write_all(kMemory);
    write_all(kFile);
    age();
    change_rights();
    fork_and_break_copies();
    swap_and_move();
    give_back();
    mm_deactivate(0);
    mm_put(*mm_);
    end_of_operation();
  }

 private:
  static constexpr uint64_t kFileFlags = guest_abi::kMapFixed | guest_abi::kMapFile;

  // As the way back to user mode does it.
  void end_of_operation() { mm_before_events_open(); }
  template <typename Call>
  void step(Call call) {
    call();
    end_of_operation();
  }
  void write_all(uint64_t from) {
    for (uint64_t page = 0; page < kPages; ++page) {
      step([&] { machine_.write(*mm_, from + page * kPage, page); });
    }
  }
  void age() {
    step([this] { sys_test_and_clear_young(*mm_, kMemory, kPages * kPage); });
    write_all(kMemory);
    step([this] { sys_clear_refs(*mm_, kMemory, kPages * kPage); });
    step([this] { machine_.read(*mm_, kMemory); });  // a clean page that may become dirty
    step([this] { sys_test_and_clear_young(*mm_, kMemory, kPages * kPage); });
    step([this] { sys_writeback(*mm_, kFile, kPages * kPage); });
    write_all(kFile);
    write_all(kMemory);
  }
  void change_rights() {
    step([this] { sys_mprotect(*mm_, kMemory, kPages * kPage, kProtRead); });
    step([this] { sys_mprotect(*mm_, kMemory, kPages * kPage, kReadWrite); });
    step([this] { sys_mprotect(*mm_, kMemory + 2 * kPage, 2 * kPage, 0); });
    step([this] { sys_mprotect(*mm_, kMemory + 6 * kPage, 2 * kPage, kProtRead); });
  }
  void fork_and_break_copies() {
    Mm* child = nullptr;
    step([&] { child = mm_fork(*mm_); });
    for (uint64_t page = 8; page < kPages; ++page) {
      step([&] { machine_.write(*mm_, kMemory + page * kPage, page); });
    }
    step([&] { mm_put(*child); });
    uint64_t word = 1;
    step([&] { sys_clear_refs(*mm_, kMemory + 8 * kPage, kPage); });
    step([&] { machine_.read(*mm_, kMemory + 8 * kPage); });
    step([&] { copy_to_user(*mm_, kMemory + 8 * kPage, &word, sizeof(word)); });
    step([&] { sys_mprotect(*mm_, kMemory + 2 * kPage, 6 * kPage, kReadWrite); });
    step([&] { sys_mprotect(*mm_, kMemory + 2 * kPage, 2 * kPage, 0); });
  }
  void swap_and_move() {
    step([this] { sys_swap_out(*mm_, kMemory, 14 * kPage); });
    step([this] { machine_.write(*mm_, kMemory, 5); });
    step([this] { sys_mprotect(*mm_, kMemory, kPages * kPage, kReadWrite); });
    step([this] { sys_mremap(*mm_, kMemory, kPages * kPage, kElsewhere); });
    write_all(kElsewhere);
    step([this] { sys_mmap(*mm_, kWhole, kTable, kReadWrite, guest_abi::kMapFixed); });
    step([this] { sys_populate(*mm_, kWhole, kTable, 0); });
    step([this] { sys_mremap(*mm_, kWhole, kTable, kWhole + 4 * kTable); });
    step([this] { machine_.write(*mm_, kWhole + 4 * kTable, 1); });
    // Where the whole table was, and nothing of it is left.
    step([this] { sys_mmap(*mm_, kWhole, kPage, kReadWrite, guest_abi::kMapFixed); });
    step([this] { machine_.write(*mm_, kWhole, 1); });
  }
  void give_back() {
    step([this] { sys_madvise_dontneed(*mm_, kElsewhere, 8 * kPage); });
    step([this] { machine_.read(*mm_, kElsewhere); });
    step([this] { sys_munmap(*mm_, kElsewhere, kPages * kPage); });
    step([this] { sys_munmap(*mm_, kWhole + 4 * kTable, kTable); });
    step([this] { sys_munmap(*mm_, kWhole, kPage); });
  }

  FakeMachine& machine_ = FakeMachine::instance();
  Mm* mm_ = nullptr;
};

[[noreturn]] void run_in_child(const ScenarioSettings& settings) {
  std::set_terminate([] { leave("\nended in a destructor"); });
  FakeMachine& machine = FakeMachine::instance();
  machine.start(settings.options);
  static std::vector<uint64_t> storage(settings.storage_bytes / sizeof(uint64_t));
  pte_rules::start(settings.options.rules, storage.data(), settings.storage_bytes);
  pte_rules::seeded_breach = settings.breach;
  try {
    Scenario().run();
    shared->came_back = true;
    leave("");
  } catch (const std::exception& error) {
    leave(error.what());
  }
  _exit(1);
}

}  // namespace

ScenarioResult run_scenario(const ScenarioSettings& settings) {
  void* place =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) {
    throw std::bad_alloc();
  }
  shared = new (place) Shared{};
  const pid_t child = fork();
  if (child == 0) {
    run_in_child(settings);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ScenarioResult result{shared->came_back, shared->rules, shared->text};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    result.text += "\nthe process crashed";
  }
  munmap(place, sizeof(Shared));
  return result;
}

}  // namespace kernel::test
