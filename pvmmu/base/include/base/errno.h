// Error numbers as the guest sees them, and a value-or-error. [xen/errno.h]
//
// Errno is positive here; a hypercall returns it negated (return_value). kOk is zero. The
// enumerators are the public names with a k before them, because hosted code may have <errno.h>'s
// macros in scope.
#pragma once

#include <stdint.h>

#include "abi/xen.h"

namespace pvmmu {

// The formatter never comes to rest on this list.
// clang-format off
#define PVMMU_ERRNOS(X)                                                              \
  X(EPERM) X(ENOENT) X(ESRCH) X(EIO) X(ENXIO) X(E2BIG) X(ENOEXEC) X(EBADF) X(ECHILD) \
  X(EAGAIN) X(ENOMEM) X(EACCES) X(EFAULT) X(EBUSY) X(EEXIST) X(EXDEV) X(ENODEV)      \
  X(ENOTDIR) X(EISDIR) X(EINVAL) X(ENFILE) X(EMFILE) X(ENOSPC) X(EROFS) X(EMLINK)    \
  X(EDOM) X(ERANGE) X(EDEADLK) X(ENAMETOOLONG) X(ENOLCK) X(ENOSYS) X(ENOTEMPTY)      \
  X(ENODATA) X(ETIME) X(EBADMSG) X(EOVERFLOW) X(EILSEQ) X(ENOTSOCK) X(EMSGSIZE)      \
  X(EOPNOTSUPP) X(EADDRINUSE) X(EADDRNOTAVAIL) X(ENOBUFS) X(EISCONN) X(ENOTCONN)     \
  X(ETIMEDOUT) X(ECONNREFUSED)
// clang-format on

enum class Errno : uint8_t {
  kOk = 0,
#define PVMMU_ERRNO_ENUMERATOR(name) k##name = XEN_##name,
  PVMMU_ERRNOS(PVMMU_ERRNO_ENUMERATOR)
#undef PVMMU_ERRNO_ENUMERATOR
};

// Every Errno is below this: the size of an array with one slot for each.
inline constexpr unsigned kErrnoLimit = 128;

constexpr unsigned errno_number(Errno error) {
  return static_cast<unsigned>(error);
}

// What a hypercall returns for this error: 0 or a negative number.
constexpr int64_t return_value(Errno error) {
  return -static_cast<int64_t>(error);
}

constexpr const char* errno_name(Errno error) {
  switch (error) {
    case Errno::kOk:
      return "ok";
#define PVMMU_ERRNO_NAME(name) \
  case Errno::k##name:         \
    return #name;
      PVMMU_ERRNOS(PVMMU_ERRNO_NAME)
#undef PVMMU_ERRNO_NAME
  }
  return "unknown error";
}

// A value, or why there is none. T must be cheap to default-construct.
template <typename T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : value_(value) {}
  constexpr Result(Errno error) : error_(error) {}
  constexpr bool ok() const { return error_ == Errno::kOk; }
  constexpr Errno error() const { return error_; }
  // Only meaningful when ok().
  constexpr const T& value() const { return value_; }

 private:
  T value_{};
  Errno error_ = Errno::kOk;
};

static_assert(errno_number(Errno::kECONNREFUSED) < kErrnoLimit);

}  // namespace pvmmu
