// Crossings of address kinds that must not compile. With no MIXUP defined the file must compile, so
// that a failure of the others can only come from the crossing itself.
#include "base/frame.h"
#include "base/linear_addr.h"
#include "base/pte.h"

namespace {

using namespace pvmmu;

[[maybe_unused]] uint64_t machine_frame(Mfn frame) {
  return frame.raw();
}
[[maybe_unused]] uint64_t machine_address(Maddr address) {
  return address.raw();
}
[[maybe_unused]] uint64_t leaf(L1Pte entry) {
  return entry.raw();
}

[[maybe_unused]] uint64_t use() {
#if defined(MIXUP_PFN_AS_MFN)
  return machine_frame(Pfn(1));
#elif defined(MIXUP_NUMBER_AS_MFN)
  return machine_frame(uint64_t{1});
#elif defined(MIXUP_LINEAR_AS_MACHINE)
  return machine_address(LinearAddr(1));
#elif defined(MIXUP_PADDR_AS_MADDR)
  return machine_address(Paddr(1));
#elif defined(MIXUP_LEVELS)
  return leaf(L2Pte(1));
#elif defined(MIXUP_COMPARE)
  return Mfn(1) == Pfn(1) ? 1 : 0;
#elif defined(MIXUP_ENTRY_OF_PFN)
  return L1Pte(Pfn(1), kPtePresent).raw();
#else
  return machine_frame(Mfn(1)) + machine_address(Maddr(Mfn(1), 0)) + leaf(L1Pte(1));
#endif
}

}  // namespace
