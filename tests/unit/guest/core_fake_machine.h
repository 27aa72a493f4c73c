// As much of a machine as the core's lowest parts need: memory by frame, a processor number, and a
// panic that can be caught.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "base/frame.h"
#include "frames.h"

namespace kernel::test {

struct Panic : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Frames [0, count), all reserved at first. One at a time.
class FakeMemory {
 public:
  explicit FakeMemory(uint64_t count);
  ~FakeMemory();
  FakeMemory(const FakeMemory&) = delete;
  FakeMemory& operator=(const FakeMemory&) = delete;

  unsigned char* frame(pvmmu::Pfn frame) { return bytes_.data() + frame.raw() * pvmmu::kPageSize; }

 private:
  std::vector<unsigned char> bytes_;
  std::vector<Page> descriptors_;
};

// The processor that the code under test believes to run on.
void set_current_cpu(unsigned cpu);
// Called at each turn of a waiting loop; may be null.
void set_spin_hook(void (*hook)(unsigned round));

}  // namespace kernel::test
