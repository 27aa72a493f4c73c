// The program's version, from the build.
#pragma once

namespace vmm {

inline constexpr const char* kVersion = PVMMU_VERSION;

}  // namespace vmm
