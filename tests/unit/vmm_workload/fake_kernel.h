// A kernel for one host process: runs compiled workloads in the interpreter's hosted core.
//
// Processes and threads take turns at system calls; memory is a map of pages with a protection,
// copied at fork unless shared. A second, simple opinion on what the language means; it knows
// nothing of page tables but the A and D bits that it pretends.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fake_accelerator.h"
#include "interpreter/interpreter.h"

namespace vmm {

struct FakePage {
  uint64_t words[512] = {};
  bool accessed = false;
  bool dirty = false;
  bool page_dirty = false;  // of a file
};

struct FakeMapping {
  uint64_t protection = 0;
  uint64_t backing = 0;
  bool shared() const { return backing != 0; }
  // Of a file: written since it was clean.
  bool writable = true;
  bool swapped = false;
  std::shared_ptr<FakePage> page;  // none until touched; of shared ones, common from the start
};

struct FakeProcess;

class FakeMachine final : public interpreter::Machine {
 public:
  explicit FakeMachine(FakeProcess& process) : process_(process) {}
  interpreter::Access load(uint64_t address) override;
  interpreter::Access store(uint64_t address, uint64_t value) override;
  interpreter::Access fetch_add(uint64_t address, uint64_t value) override;
  void crash(uint64_t address, bool write) override;
  void pause() override { ++pauses; }
  unsigned pauses = 0;

 private:
  FakeProcess& process_;
};

struct FakeProcess {
  explicit FakeProcess(interpreter::Program program)
      : machine(*this), interpreter(machine, program, *state) {}
  // The word at an address, or nullptr if the access faults. A and D are set.
  uint64_t* find(uint64_t address, bool write);

  int pid = 0;
  FakeProcess* parent = nullptr;
  std::unique_ptr<interpreter::ProcessState> state = std::make_unique<interpreter::ProcessState>();
  std::map<uint64_t, FakeMapping> memory;  // by page address
  FakeMachine machine;
  interpreter::Interpreter interpreter;
  FakeAccelerator accelerator;
  bool crashed = false;
  std::optional<int> status;  // ended
  bool reaped = false;
};

class FakeKernel {
 public:
  explicit FakeKernel(std::vector<std::byte> program, uint64_t seed = 1);
  // Runs until the guest shuts down; its code, or nothing if it never did in `steps` calls.
  std::optional<int> run(unsigned steps = 1'000'000);

  std::string console;
  std::vector<std::pair<guest_abi::Syscall, std::vector<uint64_t>>> calls;
  unsigned count(guest_abi::Syscall number) const;
  unsigned process_count() const { return static_cast<unsigned>(processes_.size()); }
  unsigned pauses() const;
  // What the next calls of a kind return in place of what they do.
  std::map<guest_abi::Syscall, int64_t> refused;
  unsigned vcpu_count = 1;
  bool loses_dirty_bits = false;  // clear_refs and protect_naive as a bad kernel would

 private:
  struct Runnable {
    FakeProcess* process;
    unsigned thread;
  };
  void run_thread(Runnable who);
  void call(Runnable who, interpreter::Thread& thread);
  std::optional<int64_t> perform(Runnable who, const interpreter::Request& request);
  int64_t memory_call(FakeProcess& process, const interpreter::Request& request);
  int64_t map(FakeProcess& process, const uint64_t* args);
  int64_t move(FakeProcess& process, const uint64_t* args);
  void write_back(const FakePage& page);
  void exec(Runnable who, uint32_t first_op);
  int64_t fork(Runnable who);
  std::optional<int64_t> wait(FakeProcess& process, int32_t* status);
  void end_process(FakeProcess& process, int code);

  std::vector<std::byte> program_;
  uint64_t seed_;
  std::map<uint64_t, std::shared_ptr<FakePage>> device_;
  std::vector<std::unique_ptr<FakeProcess>> processes_;
  std::deque<Runnable> queue_;
  std::optional<int> shutdown_;
};

}  // namespace vmm
