// Frames, entries and their users in words: pieces of sentences, in lower case, without an end.
#pragma once

#include <string>

#include "explain/frame_chain.h"

namespace vmm {

// "0x41067 (frame 0x41, writable, user, accessed, dirty)"; for 0 or what is not present, that.
std::string entry_text(uint64_t entry);
// "an L1 table", "a writable page", "the hypervisor's", ...
std::string type_text(const FrameState& state);
// "L2 table 0x12", "frame 0x12" for what is no table.
std::string table_text(pvmmu::PageType type, pvmmu::Mfn table);
// "slot 3 of L2 table 0x12", "a pin", "the kernel base pointer of vCPU 0", "the VMM"
std::string use_text(const FrameUse& use);
// "frame 0x41 is an L1 table, pinned, used as such by slot 3 of L2 table 0x12 (type count 2, total
// count 3)"
std::string link_text(const FrameLink& link);
// "frame 0x41 <- slot 3 of L2 table 0x12 <- ... <- a pin, the kernel base pointer of vCPU 0"; empty
// for a chain of one frame.
std::string chain_text(const FrameChain& chain);
// What gives up the uses that rely on the frame's type: "unpin frame 0x41 (MMUEXT_UNPIN_TABLE) and
// drop the entry in slot 3 of L2 table 0x12"; empty if there are none.
std::string release_text(const FrameChain& chain);

}  // namespace vmm
