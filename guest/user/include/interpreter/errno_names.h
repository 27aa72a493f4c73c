// The errno numbers that a guest's system calls return (Linux's), by name.
#pragma once

#include <stdint.h>

namespace interpreter {

struct ErrnoName {
  int64_t number;
  const char* name;
};

inline constexpr ErrnoName kErrnoNames[] = {
    {1, "EPERM"},   {2, "ENOENT"},  {3, "ESRCH"},   {4, "EINTR"},   {5, "EIO"},
    {7, "E2BIG"},   {9, "EBADF"},   {10, "ECHILD"}, {11, "EAGAIN"}, {12, "ENOMEM"},
    {13, "EACCES"}, {14, "EFAULT"}, {16, "EBUSY"},  {17, "EEXIST"}, {19, "ENODEV"},
    {22, "EINVAL"}, {28, "ENOSPC"}, {34, "ERANGE"}, {38, "ENOSYS"}, {95, "EOPNOTSUPP"},
};

}  // namespace interpreter
