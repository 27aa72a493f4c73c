// What a run of the search has in memory: parts of a machine are changed in copies of one process,
// as schedules change them, and the states compared.
#include "explore/memory_state.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "accelerator/accelerator.h"
#include "fake_sink.h"
#include "machine/guest_cpu.h"
#include "machine/machine_memory.h"
#include "pvmmu/page_info.h"
#include "sim/fiber.h"
#include "sim/host_pages.h"
#include "sim/tlb.h"
#include "sim/user_program.h"
#include "sim/virtual_time.h"

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;  // its memory is too large to be looked through
#else
constexpr bool kSanitized = false;
#endif

namespace vmm::explore {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;

constexpr size_t kStackBytes = 256 << 10;
constexpr uint64_t kFrames = 512;
constexpr size_t kMostStates = 64;

class QuietHost final : public AcceleratorHost {
  void raise() override {}
};

// A little of everything that a simulated machine keeps.
struct Machine {
  static Machine create() {
    Machine machine;
    for (uint64_t frame = 0; frame < kFrames; frame += 2) {
      *word(machine, frame) = frame;
    }
    machine.frames[7].total_count = 1;
    machine.device->start(reinterpret_cast<std::byte*>(machine.reports.get()));
    machine.device->open(1);
    machine.device->establish({1, 0x5000}, Mfn(4), machine.memory.frame(Mfn(4)), true);
    machine.state = machine.views->find(machine.memory, Mfn(8), Mfn(9));
    machine.tlb->remember(LinearAddr(0x1000), {.frame = Mfn(2)});
    machine.heap["what"] = "that";
    return machine;
  }
  static uint64_t* word(Machine& machine, uint64_t frame) {
    return reinterpret_cast<uint64_t*>(machine.memory.frame(Mfn(frame)));
  }

  MachineMemory memory = *MachineMemory::create_unpopulated(kFrames);
  std::vector<pvmmu::PageInfo> frames{kFrames};
  std::unique_ptr<GuestCpu> cpu = std::make_unique<GuestCpu>();
  std::unique_ptr<Tlb> tlb = std::make_unique<Tlb>(SimTlb{});
  std::unique_ptr<multicall::FakeSink> sink = std::make_unique<multicall::FakeSink>();
  std::unique_ptr<multicall::Queue<multicall::FakeSink>> queue =
      std::make_unique<multicall::Queue<multicall::FakeSink>>(*sink);
  std::unique_ptr<guest_abi::AcceleratorReports> reports =
      std::make_unique<guest_abi::AcceleratorReports>();
  std::unique_ptr<QuietHost> host = std::make_unique<QuietHost>();
  std::unique_ptr<Accelerator> device = std::make_unique<Accelerator>(*host);
  std::unique_ptr<StateViews> views = std::make_unique<StateViews>();
  interpreter::ProcessState* state = nullptr;
  std::unique_ptr<VirtualTime> time = std::make_unique<VirtualTime>();
  std::unique_ptr<Random> random = std::make_unique<Random>(1);
  std::map<std::string, std::string> heap;
};

using Change = std::function<void(Machine&)>;

struct Shared {
  size_t next = 0;
  uint64_t states[kMostStates] = {};
};

// Static, since a fiber's body takes nothing. Copies do not change them, or all in the same way.
Machine* subject = nullptr;
const std::vector<Change>* changes = nullptr;
Shared* shared = nullptr;
Fiber host, forker, turn;
HostPages stacks;
volatile uint64_t counter = 0;
volatile uint64_t* in_use = nullptr;

// In a copy, on a stack that is looked at only as far as it is used.
[[gnu::noinline]] void change_and_look() {
  (*changes)[shared->next](*subject);
  shared->states[shared->next] = memory_state(__builtin_frame_address(0));
}

void begin_copy() {
  volatile uint64_t local = 1;
  in_use = &local;
  change_and_look();
  _exit(0);
}

// As a search runs: one process after the other is forked from one that does nothing else.
void make_copies() {
  for (; shared->next < changes->size(); ++shared->next) {
    const pid_t copy = fork();
    if (copy == 0) forker.switch_to(turn);
    waitpid(copy, nullptr, 0);
  }
  _exit(0);
}

// The states after each of the changes, each in a copy of its own.
std::vector<uint64_t> states_after(const std::vector<Change>& all) {
  Machine machine = Machine::create();
  subject = &machine;
  changes = &all;
  stacks = *HostPages::create(2 * kStackBytes);
  void* const room =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared = new (room) Shared;
  const pid_t zygote = fork();
  if (zygote == 0) {
    forker.prepare(stacks.base(), kStackBytes, make_copies);
    turn.prepare(stacks.base() + kStackBytes, kStackBytes, begin_copy);
    host.switch_to(forker);
  }
  waitpid(zygote, nullptr, 0);
  std::vector<uint64_t> states(shared->states, shared->states + all.size());
  munmap(room, sizeof(Shared));
  return states;
}

void nothing(Machine&) {}

[[gnu::noinline]] void use_stack() {
  uint64_t used[1000];
  for (uint64_t i = 0; i < 1000; ++i) used[i] = i * i;
  asm volatile("" : : "r"(used) : "memory");  // they are really stored
}

guest_abi::AcceleratorCommand fill() {
  guest_abi::AcceleratorCommand command{};
  command.operation = static_cast<uint32_t>(guest_abi::AcceleratorOperation::kFill);
  command.context = 1;
  command.address = 0x5000;
  command.byte_count = 64;
  return command;
}

struct NamedChange {
  const char* name;
  Change change;
};

// What makes a difference. No two of them come to the same.
const NamedChange kDifferences[] = {
    {"guest memory", [](Machine& m) { *Machine::word(m, 2) = 99; }},
    {"another value there", [](Machine& m) { *Machine::word(m, 2) = 98; }},
    {"the same in another frame", [](Machine& m) { *Machine::word(m, 4) = 99; }},
    {"guest memory that nobody had touched", [](Machine& m) { *Machine::word(m, 3) = 99; }},
    {"the page of a process's state",
     [](Machine& m) { *reinterpret_cast<uint64_t*>(m.state) = 99; }},
    {"a frame's type", [](Machine& m) { m.frames[7].type = pvmmu::PageType::kWritable; }},
    {"its references", [](Machine& m) { m.frames[7].total_count = 2; }},
    {"its type's references", [](Machine& m) { m.frames[7].type_count = 1; }},
    {"when it was last flushed", [](Machine& m) { m.frames[7].tlb_stamp = 1; }},
    {"a register", [](Machine& m) { m.cpu->registers.rax = 1; }},
    {"another register", [](Machine& m) { m.cpu->registers.rip = 1; }},
    {"a new translation", [](Machine& m) { m.tlb->remember(LinearAddr(0x2000), {Mfn(2)}); }},
    {"another translation", [](Machine& m) { m.tlb->remember(LinearAddr(0x1000), {Mfn(3)}); }},
    {"one that permits more",
     [](Machine& m) { m.tlb->remember(LinearAddr(0x1000), {.frame = Mfn(2), .writable = true}); }},
    {"a flush", [](Machine& m) { m.tlb->flush_all(); }},
    {"a call in the queue",
     [](Machine& m) {
       m.queue->batch();
       m.queue->queue_call(1);
     }},
    {"a callback behind it",
     [](Machine& m) {
       m.queue->batch();
       m.queue->queue_call(1);
       m.queue->callback([](void*) {}, nullptr);
     }},
    {"a command of the device", [](Machine& m) { m.device->submit(fill()); }},
    {"a context of the device", [](Machine& m) { m.device->open(2); }},
    {"an entry of the device",
     [](Machine& m) {
       m.device->establish({1, 0x6000}, Mfn(4), m.memory.frame(Mfn(4)), true);
     }},
    {"an entry that leaves", [](Machine& m) { m.device->invalidate(1, 0x5000, 0x6000); }},
    {"work of the device",
     [](Machine& m) {
       m.device->submit(fill());
       m.device->work();
     }},
    {"time", [](Machine& m) { m.time->advance(1); }},
    {"chance", [](Machine& m) { m.random->next(); }},
    {"static data", [](Machine&) { counter = 1; }},
    {"the heap", [](Machine& m) { m.heap["what"] = "this"; }},
    {"the stack", [](Machine&) { *in_use = 2; }},
};

class MemoryStateTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "states are not looked at under AddressSanitizer";
  }
};

TEST_F(MemoryStateTest, EqualStatesAreEqual) {
  std::vector<Change> all = {nothing, nothing};
  for (const NamedChange& one : kDifferences) all.insert(all.end(), 2, one.change);
  const std::vector<uint64_t> states = states_after(all);
  ASSERT_NE(states[0], 0u) << "the host does not say which pages were written";
  EXPECT_EQ(states[0], states[1]);
  for (size_t i = 2; i < all.size(); i += 2) {
    EXPECT_EQ(states[i], states[i + 1]) << kDifferences[i / 2 - 1].name;
  }
}

TEST_F(MemoryStateTest, EverythingThatARunChangesMakesADifference) {
  std::vector<Change> all = {nothing};
  for (const NamedChange& one : kDifferences) all.push_back(one.change);
  const std::vector<uint64_t> states = states_after(all);
  std::map<uint64_t, std::string> seen = {{states[0], "nothing"}};
  for (size_t i = 1; i < all.size(); ++i) {
    const auto [before, is_new] = seen.emplace(states[i], kDifferences[i - 1].name);
    EXPECT_TRUE(is_new) << kDifferences[i - 1].name << " is like " << before->second;
  }
}

TEST_F(MemoryStateTest, WhatIsNoPartOfTheRunMakesNone) {
  const Change others[] = {
      nothing,
      [](Machine&) { shared->states[kMostStates - 1] = 5; },  // memory of the search
      [](Machine&) { use_stack(); },                          // unused again
      [](Machine& m) { static_cast<void>(*static_cast<volatile uint64_t*>(Machine::word(m, 5))); },
      [](Machine& m) { static_cast<void>(m.tlb->find(LinearAddr(0x1000))); },
  };
  const std::vector<uint64_t> states = states_after({std::begin(others), std::end(others)});
  EXPECT_EQ(std::set<uint64_t>(states.begin(), states.end()).size(), 1u);
}

TEST_F(MemoryStateTest, TheWayToAStateMakesNone) {
  const auto first = [](Machine& m) { *Machine::word(m, 2) = 99; };
  const auto then = [](Machine& m) { m.frames[7].type_count = 1; };
  const std::vector<uint64_t> states = states_after({
      [=](Machine& m) { first(m), then(m); },
      [=](Machine& m) { then(m), first(m); },
      [=](Machine& m) { *Machine::word(m, 2) = 5, then(m), first(m); },
  });
  EXPECT_EQ(std::set<uint64_t>(states.begin(), states.end()).size(), 1u);
}

}  // namespace
}  // namespace vmm::explore
