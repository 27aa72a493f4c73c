#include "mm/pv/lazy_section.h"

#include "mm/pv/vcpu_state.h"
#include "panic.h"

namespace kernel {

LazyMode::LazyMode() {
  PvVcpu& vcpu = pv_this_vcpu();
  if (vcpu.lazy) {
    panic("lazy mode entered twice");
  }
  vcpu.lazy = true;
}

LazyMode::~LazyMode() {
  PvVcpu& vcpu = pv_this_vcpu();
  vcpu.lazy = false;
  vcpu.queue.flush(multicall::FlushReason::kLeave);
}

}  // namespace kernel
