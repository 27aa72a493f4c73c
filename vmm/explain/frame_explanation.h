// Answers from a saved report: what a frame is and who uses it, what a linear address leads to.
#pragma once

#include <string>

#include "base/linear_addr.h"
#include "explain/saved_frames.h"

namespace vmm {

// Several lines. The frame must be in range.
std::string explain_frame(const SavedFrames& frames, pvmmu::Mfn frame);
// The walk from a root, a line for each entry, and what the page at its end is.
std::string explain_walk(const SavedFrames& frames, pvmmu::Mfn root, pvmmu::LinearAddr address);
// The walks from all roots that the vCPUs were on, each once.
std::string explain_address(const SavedFrames& frames, pvmmu::LinearAddr address);

}  // namespace vmm
