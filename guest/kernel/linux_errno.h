// The error numbers that system calls return, as Linux numbers them.
#pragma once

namespace kernel {

enum : int {
  kEperm = 1,
  kEintr = 4,
  kE2big = 7,
  kEnoexec = 8,
  kEchild = 10,
  kEagain = 11,
  kEnomem = 12,
  kEfault = 14,
  kEinval = 22,
  kEnosys = 38,
};

}  // namespace kernel
