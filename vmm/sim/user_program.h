// The program of a process: the interpreter of workloads, run natively, as guest/user/image runs it
// at CPL3. Its loads and stores of the workload's memory are the processor's; its system calls and
// faults trap.
//
// Its state page is the process's own, in guest memory, through a view of the host that shows the
// two pages side by side. Calls that pass a place in it pass the linear address.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "interpreter/interpreter.h"
#include "interpreter/thread.h"
#include "kvm/unique_fd.h"
#include "machine/machine_memory.h"
#include "sim/sim_processor.h"

namespace vmm {

// The views of all processes' state pages. A frame that is part of one becomes a page of a file,
// which is mapped in its old place and in each view.
class StateViews {
 public:
  // Both at consecutive addresses; nullptr if the host has no room for it.
  interpreter::ProcessState* find(MachineMemory& memory, pvmmu::Mfn first, pvmmu::Mfn second);
  StateViews() = default;
  StateViews(const StateViews&) = delete;
  StateViews& operator=(const StateViews&) = delete;
  ~StateViews();

 private:
  // Where in the file a frame is; moves it there first. Nothing: the host refuses.
  std::optional<off_t> place_in_file(MachineMemory& memory, pvmmu::Mfn frame);

  UniqueFd file_;
  std::map<uint64_t, off_t> places_;
  std::map<std::pair<uint64_t, uint64_t>, void*> views_;
};

class UserProgram {
 public:
  // `replace`: SimOptions::replace_program.
  UserProgram(MachineMemory& memory, std::function<std::span<const std::byte>()> replace)
      : memory_(memory), replace_(std::move(replace)) {}

  // Runs the process of the current vCPU from its registers' rip: the start of the program or of a
  // thread, or a return from a system call in a forked child.
  [[noreturn]] void run(SimProcessor*& processor);

 private:
  [[noreturn]] void run_until_exec(SimProcessor*& processor);
  interpreter::ProcessState& state(SimProcessor& processor);
  [[noreturn]] void start(SimProcessor*& processor);
  void replace_program(SimProcessor& processor, uint64_t size);
  [[noreturn]] void refuse(interpreter::ProcessState& state, const char* reason);
  [[noreturn]] void run_thread(SimProcessor*& processor, interpreter::ProcessState& state,
                               interpreter::Thread& thread);
  [[noreturn]] void run_forked(SimProcessor*& processor, interpreter::ProcessState& state,
                               interpreter::Thread& thread);
  [[noreturn]] static void run_steps(SimProcessor*& processor,
                                     interpreter::Interpreter& interpreter,
                                     interpreter::ProcessState& state, interpreter::Thread& thread);

  MachineMemory& memory_;
  std::function<std::span<const std::byte>()> replace_;  // until it was asked
  std::span<const std::byte> replacement_;
  StateViews views_;
  std::vector<uint64_t> program_;  // a copy, the same for all processes
};

}  // namespace vmm
