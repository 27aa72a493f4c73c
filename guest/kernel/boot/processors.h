// Starting the processors beside the boot processor.
#pragma once

#include "base/frame.h"

namespace kernel {

// Brings all of them up on `root`, one after the other; each idles when this returns.
void start_processors(pvmmu::Mfn root);

}  // namespace kernel
