// The accelerator of the fake kernel: it has done what it is asked before the call returns.
#pragma once

#include <cstdint>

namespace vmm {

struct FakeProcess;

class FakeAccelerator {
 public:
  // Arguments, results and errors of the system calls (guest_abi/syscall.h).
  int64_t submit(FakeProcess& process, const uint64_t* args);
  int64_t wait();
  uint64_t result() const { return result_; }

 private:
  bool work(FakeProcess& process, const uint64_t* args);
  unsigned submitted_ = 0;  // since the last wait
  int64_t error_ = 0;       // of the first command since the last wait
  uint64_t last_ = 0;
  uint64_t result_ = 0;
};

}  // namespace vmm
