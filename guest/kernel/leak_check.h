// What must be as it was when the last process has gone: every frame back, nothing of a process
// left, no lock held.
#pragma once

#include <stdint.h>

namespace kernel {

class LeakCheck {
 public:
  // What is in use now may be in use then.
  LeakCheck();
  // True if all is as it was. On several processors: soon, since others may still be at it.
  bool clean() const;
  // Says on the console what is not.
  void report() const;

 private:
  uint64_t frames_;
  unsigned tasks_;
};

}  // namespace kernel
