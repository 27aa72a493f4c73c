// Printing: the parts of a line are put together and written by one console_io.
#pragma once

#include <stdint.h>

namespace test_guest {

struct Hex {
  uint64_t value;
};

class Line {
 public:
  Line& add(const char* text);
  Line& add(int64_t number);
  Line& add(Hex number);
  void print();  // with a line end

 private:
  void put(char character);

  unsigned used_ = 0;
  char text_[240];
};

template <typename... Parts>
void print(Parts... parts) {
  Line line;
  (line.add(parts), ...);
  line.print();
}

}  // namespace test_guest
