// The program of a process: the interpreter of workloads, run natively, as guest/user/image runs it
// at CPL3. Its loads and stores of the workload's memory are the processor's; its system calls and
// faults trap.
//
// Its state page is the process's own, in guest memory, through a view of the host that shows the
// two pages side by side. Calls that pass a place in it pass the linear address.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "interpreter/interpreter.h"
#include "interpreter/thread.h"
#include "machine/machine_memory.h"
#include "sim/sim_processor.h"

namespace vmm {

// The views of all processes' state pages.
class StateViews {
 public:
  // Both at consecutive addresses; nullptr if the host has no room for it.
  interpreter::ProcessState* find(MachineMemory& memory, pvmmu::Mfn first, pvmmu::Mfn second);
  StateViews() = default;
  StateViews(const StateViews&) = delete;
  StateViews& operator=(const StateViews&) = delete;
  ~StateViews();

 private:
  std::map<std::pair<uint64_t, uint64_t>, void*> views_;
};

class UserProgram {
 public:
  explicit UserProgram(MachineMemory& memory) : memory_(memory) {}

  // Runs the process of the current vCPU from its registers' rip: the start of the program or of a
  // thread, or a return from a system call in a forked child.
  [[noreturn]] void run(SimProcessor*& processor);

 private:
  [[noreturn]] void run_until_exec(SimProcessor*& processor);
  interpreter::ProcessState& state(SimProcessor& processor);
  [[noreturn]] void start(SimProcessor*& processor);
  [[noreturn]] void refuse(interpreter::ProcessState& state, const char* reason);
  [[noreturn]] void run_thread(SimProcessor*& processor, interpreter::ProcessState& state,
                               interpreter::Thread& thread);
  [[noreturn]] void run_forked(SimProcessor*& processor, interpreter::ProcessState& state,
                               interpreter::Thread& thread);
  [[noreturn]] static void run_steps(interpreter::Interpreter& interpreter,
                                     interpreter::ProcessState& state, interpreter::Thread& thread);

  MachineMemory& memory_;
  StateViews views_;
  std::vector<uint64_t> program_;  // a copy, the same for all processes
};

}  // namespace vmm
