// The error numbers that system calls return, as Linux numbers them.
#pragma once

namespace kernel {

enum : int {
  kEnoexec = 8,
  kEnomem = 12,
  kEacces = 13,
  kEfault = 14,
  kEinval = 22,
  kE2big = 7,
};

}  // namespace kernel
