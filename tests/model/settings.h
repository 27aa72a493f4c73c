// Settings of the long tests, from the environment.
#pragma once

#include <stdint.h>

#include <cstdlib>

namespace pvmmu::model {

inline uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

}  // namespace pvmmu::model
