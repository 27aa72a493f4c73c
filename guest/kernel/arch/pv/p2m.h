// The tables between the domain's frame numbers and the machine's. [xen/public/xen.h: start_info]
#pragma once

#include <stdint.h>

namespace kernel {

// Both stay where they are; the second has an entry for each frame of the machine.
void p2m_start(const uint64_t* p2m, uint64_t frame_count, const uint64_t* m2p,
               uint64_t machine_frame_count);

}  // namespace kernel
