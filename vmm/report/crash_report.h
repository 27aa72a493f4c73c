// The report that the VMM writes when the guest's domain crashed: why, where, and what led to it.
//
// All of it is copied out of the guest when it stopped, so that the report needs no machine. What
// came from the guest (backtrace, symbols, texts) is bounded and printed with control characters
// escaped.
#pragma once

#include <stdint.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "machine/guest_registers.h"

namespace vmm {

struct GuestImage;

struct HypercallRecord {
  uint64_t number = 0;
  std::array<uint64_t, 6> arguments{};
  int64_t result = 0;
  bool completed = false;  // false: the crash came before its result
};

// The last hypercalls of one vCPU. Costs two stores of a few words per call.
class HypercallRing {
 public:
  static constexpr unsigned kCapacity = 16;

  void begin(uint64_t number, const std::array<uint64_t, 6>& arguments);
  void end(int64_t result);  // of the call begun last
  // Oldest first.
  std::vector<HypercallRecord> last() const;

 private:
  std::array<HypercallRecord, kCapacity> records_{};
  uint64_t begun_ = 0;
};

struct CrashInfo {
  std::string reason;  // one line: "page fault in the hypercall page ...", "guest panic", ...
  unsigned vcpu = 0;
  bool kernel_mode = true;
  GuestRegisters registers{};
  uint64_t fault_address = 0;  // cr2, where the reason is a page fault
  uint64_t fault_code = 0;
  bool has_fault = false;
  uint64_t kernel_root = 0;  // maddr of the L4 tables
  uint64_t user_root = 0;
  std::vector<uint64_t> backtrace;          // return addresses, innermost first, without rip
  std::vector<HypercallRecord> hypercalls;  // oldest first
};

// Reads `size` bytes of the guest at a linear address; false if the page is not there.
using GuestReader = std::function<bool(uint64_t address, void* to, size_t size)>;

// Follows frame pointers: at most limit frames, upwards only, canonical addresses only.
std::vector<uint64_t> walk_frame_pointers(const GuestRegisters& registers, const GuestReader& read,
                                          unsigned limit = 32);

// A line for each call, with its arguments and result.
std::string hypercalls_text(const std::vector<HypercallRecord>& records);

// The report as text for stderr, several lines. Without an image, addresses stay bare.
std::string crash_report(const CrashInfo& crash, const GuestImage* image);

// "name+0x12" for an address of the guest, with C++ names in readable form; empty if no symbol
// covers it.
std::string symbolise(const GuestImage& image, uint64_t address);

}  // namespace vmm
