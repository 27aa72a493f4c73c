// Emulated stores for the fake machine: a store to a read-only L1 table is carried out all the same
// and counted, by making the page writable for one instruction.
#pragma once

#include <cstdint>

namespace kernel::test {

// Asked in the signal handler: may this page of the kernel's view be written, as an emulated store?
// Counts it if so.
using MayEmulate = bool (*)(void* page);

// Once. Any other bad access ends the process.
void install_emulation(MayEmulate may_emulate);

}  // namespace kernel::test
