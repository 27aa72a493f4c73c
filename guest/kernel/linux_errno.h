// The error numbers of system calls that the kernel's core returns, beside the memory manager's.
#pragma once

#include "mm/linux_errno.h"

namespace kernel {

enum : int {
  kEperm = 1,
  kEintr = 4,
  kEchild = 10,
  kEagain = 11,
  kEnosys = 38,
};

}  // namespace kernel
