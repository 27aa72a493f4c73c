#include "mm/pv/lazy_section.h"

#include "mm/pv/vcpu_state.h"
#include "options.h"
#include "panic.h"
#include "pte_rules/hooks.h"

namespace kernel {

LazyMode::LazyMode() {
  PvVcpu& vcpu = pv_this_vcpu();
  pte_rules::lazy_enter();
  if (vcpu.lazy && !pte_rules::kSeededBuild) {
    panic("lazy mode entered twice");
  }
  vcpu.lazy = true;
}

LazyMode::~LazyMode() {
  PvVcpu& vcpu = pv_this_vcpu();
  vcpu.lazy = false;
  vcpu.queue.flush(multicall::FlushReason::kLeave);
  pte_rules::lazy_leave();
}

LazySectionOfTwo::LazySectionOfTwo(Mm& mm, Page& first, Page& second) : section_(mm, first) {
  // Taken after the first and before anything is queued. The order of the two does not matter: who
  // takes two locks of one address space holds its Mm lock, or nobody else uses it.
  if (&first != &second && options().split_ptl) {
    second_lock_.emplace(mm, second);
  }
}

}  // namespace kernel
