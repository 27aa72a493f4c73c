// The system calls between the interpreter (user side) and the guest kernel.
//
// Entered with `syscall`: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9; the result is in
// rax, a negative errno (Linux's numbers) on failure; rcx and r11 are lost. Addresses and lengths
// are in bytes and page-aligned unless said otherwise.
#pragma once

#include <stdint.h>

namespace guest_abi {

enum class Syscall : uint64_t {
  kExit = 0,           // (code): ends the calling thread; the process with its last thread
  kFork = 1,           // () -> child pid in the parent, 0 in the child
  kWait = 2,           // (int32_t* status) -> pid; -ECHILD; status = code, or 128 + signal
  kYield = 3,          // ()
  kMmap = 4,           // (address or 0, length, Prot bits, Map bits) -> address
  kMunmap = 5,         // (address, length)
  kMprotect = 6,       // (address, length, Prot bits)
  kWrite = 7,          // (buffer, byte count <= 256, any alignment): to the console -> count
  kPhase = 8,          // (phase index): later counters are attributed to it
  kGetPid = 9,         // ()
  kFaultHandler = 10,  // (handler or 0): an unresolvable fault of this thread continues at
                       // handler with rdi = address, rsi = page-fault error code
                       // (0 for other traps), rdx = trap vector, rcx = faulting rip;
                       // rsp as it was. Without a handler the process ends with 128 + 11
  kPopulate = 11,      // (address, length, phase or 0): map ahead all pages, one lazy section for
                       // each L1 table, tables allocated and linked before; the phase is set for
                       // exactly the lazy sections
  kPinTest = 12,    // (pte page count, pin phase, unpin phase): builds an address space with that
                    // many pte pages that no CPU runs on, pins it in the first phase, unpins it
                    // in the second, frees it
  kPteQuery = 13,   // (address) -> PteState bits of the page's entry
  kClearRefs = 14,  // (address, length): clears A and D and flushes, everywhere
  kTestAndClearYoung = 15,  // (address, length) -> number of young pages
  kMprotectNaive = 16,      // like kMprotect, by read, change and a plain update that does not
                            // preserve A and D. Wrong on purpose
  kThreadCreate = 17,       // (entry, stack top, argument -> rdi) -> thread id
  kMadviseDontNeed = 18,    // (address, length)
  kNanosleepTicks = 19,     // (events): sleeps until so many scheduling events passed
  kShutdown = 20,           // (code): ends the guest with this code; 0 from pid 1 alone (-EPERM)
  kVcpuId = 21,             // () -> the vCPU that runs the caller
  kVcpuCount = 22,          // ()
  kMremap = 23,     // (address, length, new address) -> new address: moves a mapping, or a part of
                    // one, to where it replaces what was. -EFAULT if it is not all one mapping
  kSwapOut = 24,    // (address, length): private pages that nobody else maps go to the swap area,
                    // as many as it takes
  kWriteback = 25,  // (address, length): dirty pages of files become clean, and read-only until
                    // the next write, wherever they are mapped
  kExec = 26,       // (start): a new address space with the program from its start in place of
                    // the caller's, whose other threads end; does not return
  kDeviceSubmit = 27,  // (AcceleratorOperation, address, source, byte count, value, desired): the
                       // accelerator will work on it (guest_abi/accelerator.h), for this thread.
                       // -EAGAIN: too many are under way; -ENOSYS: there is no accelerator
  kDeviceWait = 28,    // (): until all that this thread submitted is over. 0, or the error of the
                       // first that had one: -EFAULT, where the process may not do the access
  kDeviceResult = 29,  // () -> the result of the last command that this thread waited for
  // For searches of interleavings alone (docs/explore.md).
  kRacePin = 30,  // (address, length): builds an address space with as many pte pages as the length
                  // has pages, pins it, changes an entry in each, unpins it. -EAGAIN: there is one
  kRaceSet = 31,  // (address, length): changes an entry in each pte page of that one, if there is
  kRetype = 32,   // (address, length): each writable page becomes a page table without a flush, as
                  // far as what is in it permits, and an ordinary page again
  kCount
};

enum : uint64_t { kProtRead = 1, kProtWrite = 2, kProtExec = 4 };
// At most one of shared, file and device. A file's memory is shared as well; its pages are clean
// and read-only until they are written to. A device's pages, kDevicePages from the start of the
// mapping on, belong to its driver and are the same for everybody.
enum : uint64_t {
  kMapPrivate = 0,
  kMapShared = 1,
  kMapFixed = 2,
  kMapFile = 4,
  kMapDevice = 8,
};
inline constexpr uint64_t kDevicePages = 64;
// kPteQuery's answer.
enum : uint64_t {
  kPteStatePresent = 1,
  kPteStateWritable = 2,
  kPteStateAccessed = 4,
  kPteStateDirty = 8,
  kPteStateTable = 16,      // an L1 table exists for the address
  kPteStateSwapped = 32,    // the page is in the swap area
  kPteStatePageDirty = 64,  // of a file: the page has to be written back, mapped here or not
  kPteStateBits = 127,      // all of them
};

// The interpreter's fixed places in a process. The kernel loads the image's segments where its ELF
// headers say (inside the image area), populates image, state page and stack before the program
// starts, and copies them eagerly at fork, so that the interpreter's own accesses never fault.
inline constexpr uint64_t kImageBase = 0x400000;
inline constexpr uint64_t kImageLimit = 0x600000;   // one L1 table
inline constexpr uint64_t kStateBase = 0x600000;    // state, stacks and the program
inline constexpr uint64_t kStateLimit = 0x700000;   // eagerly copied, like the image
inline constexpr uint64_t kProgramBase = 0x680000;  // the boot module, mapped read-only
inline constexpr uint64_t kStackTop = 0x680000;     // of the first thread, grows down
inline constexpr uint64_t kArenaBase = 0x10000000;  // where workloads map their regions
inline constexpr uint64_t kArenaLimit = 0x7f0000000000;

// The program's first thread starts at its ELF entry with rdi = kProgramBase, rsi = byte count of
// the program, rdx = seed, rcx = 0 or, after kExec, its start.

}  // namespace guest_abi
