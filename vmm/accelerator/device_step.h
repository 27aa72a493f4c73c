// Where the accelerator is when somebody else may go first.
#pragma once

#include <cstdint>

namespace vmm {

enum class DeviceStep : uint8_t {
  kFetched,     // it has chosen a command, and looked at nothing
  kTranslated,  // it has found its entries, and accessed nothing
  kFaulted,     // it has reported a fault
  kAccessed,    // it has accessed the chunk, and not said so
  kEnded,       // it has reported the end of a command
};

}  // namespace vmm
