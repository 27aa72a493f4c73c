// ^C and SIGTERM as a flag that a run looks at.
#pragma once

namespace vmm {

// From now on the first SIGINT or SIGTERM sets the flag; the second ends the process as usual.
// Broken pipes become errors of the write instead of a signal.
void install_interrupt_flag();
bool interrupted();

}  // namespace vmm
