// The emergency console: plain writes. There is no input.
#include <vector>

#include "hypercalls/hypercalls.h"

namespace vmm {
namespace {

// More than any message; keeps one call from occupying the console or the VMM's memory.
constexpr uint32_t kMaxWrite = 64 << 10;

}  // namespace

int64_t Hypercalls::console_io(const Caller& caller, unsigned command, uint32_t count,
                               pvmmu::LinearAddr buffer) {
  switch (command) {
    case CONSOLEIO_write: {
      if (count > kMaxWrite) return -XEN_EINVAL;
      std::vector<char> bytes(count);
      if (count != 0 && !caller.access.read(buffer, bytes.data(), count)) return -XEN_EFAULT;
      services_.console.write({bytes.data(), bytes.size()});
      return 0;
    }
    case CONSOLEIO_read:
      return 0;
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace vmm
