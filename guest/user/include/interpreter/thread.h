// The whole state of one interpreted thread. It lies in the process's state page, so that fork
// copies it, and nothing of a run is kept anywhere else.
#pragma once

#include <stdint.h>

#include "guest_abi/workload.h"

namespace interpreter {

inline constexpr unsigned kMessageBytes = 256;  // the most that one console write takes

struct Request {
  guest_abi::Syscall number;
  uint64_t args[6];
};

// What to do with the result of the system call that a thread waits for.
enum class Continuation : uint8_t {
  kNone,
  kResult,       // into the register; next op
  kMustSucceed,  // fails unless 0; next op
  kRetry,        // the same op again
  kForked,
  kExecuted,
  kWaited,
  kThreadStarted,
  kHandlerRemoved,
  kWritten,         // a print: must have taken every byte
  kFailureWritten,  // the message of a failure is out
  kShutDown,        // the guest should have ended, or ends soon
  kExited,          // the process should have ended
};

// Whether a Thread of a process is taken. Threads take and free each other's on several vCPUs.
// (Not std::atomic, whose header needs an operating system with some compilers.)
class SlotState {
 public:
  bool taken() const { return __atomic_load_n(&taken_, __ATOMIC_ACQUIRE) != 0; }
  void free() { __atomic_store_n(&taken_, 0, __ATOMIC_RELEASE); }
  bool try_take() { return __atomic_exchange_n(&taken_, 1, __ATOMIC_ACQ_REL) == 0; }

 private:
  uint32_t taken_;
};

struct Thread {
  SlotState slot;
  uint32_t index;
  uint32_t creator;  // index of the thread that made it
  uint32_t pc;
  Continuation continuation;
  bool failed;
  uint32_t relax_turns;
  uint32_t vcpu_count;
  int32_t wait_status;
  uint64_t seed;
  uint64_t random_state;
  Request request;
  uint64_t registers[guest_abi::kRegisterCount];
  uint32_t message_bytes;
  char message[kMessageBytes];
};

// The state page of a process.
struct ProcessState {
  Thread threads[guest_abi::kMaxThreads];
};

static_assert(sizeof(ProcessState) <= guest_abi::kStateBytes);

}  // namespace interpreter
