// Where another processor may come in between two steps of this one.
//
// Each step by which processors of this kernel affect each other says so. On a processor that is
// simulated a search may let another one go on there (docs/explore.md); anywhere else this is
// nothing at all.
#pragma once

#include <stdint.h>

#include "guest_abi/yield_points.h"

namespace kernel {

enum class YieldPoint : uint8_t {
#define KERNEL_YIELD_POINT_ENUMERATOR(name, text) name,
  GUEST_ABI_YIELD_POINTS(KERNEL_YIELD_POINT_ENUMERATOR)
#undef KERNEL_YIELD_POINT_ENUMERATOR
};

#ifdef KERNEL_ARCH_SIM
// `what`: the object it is about, for the reader of a time-line.
void yield_point(YieldPoint point, const void* what = nullptr);
#else
inline void yield_point(YieldPoint, const void* = nullptr) {}
#endif

}  // namespace kernel
