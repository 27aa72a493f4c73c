#include "fuzz/board.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>

namespace vmm::fuzz {

absl::StatusOr<Board*> create_board() {
  void* place =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap of the session's memory");
  return new (place) Board{};
}

}  // namespace vmm::fuzz
