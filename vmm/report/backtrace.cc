#include "base/linear_addr.h"
#include "report/crash_report.h"

namespace vmm {

std::vector<uint64_t> walk_frame_pointers(const GuestRegisters& registers, const GuestReader& read,
                                          unsigned limit) {
  std::vector<uint64_t> addresses;
  uint64_t frame = registers.rbp;
  while (addresses.size() < limit) {
    if (frame % sizeof(uint64_t) != 0 || !pvmmu::LinearAddr(frame).canonical()) break;
    uint64_t saved[2];  // the caller's frame pointer, the return address
    if (!read(frame, saved, sizeof saved)) break;
    if (saved[1] == 0) break;  // how entry code marks the end
    addresses.push_back(saved[1]);
    if (saved[0] <= frame) break;  // stacks grow down: anything else is no chain
    frame = saved[0];
  }
  return addresses;
}

}  // namespace vmm
