// A compiled workload: what the VMM's compiler writes, the kernel hands on as boot module, and the
// interpreter runs. Little-endian, position-independent, checked before use (program_check.h of the
// interpreter): every offset, register and jump target can be checked against the header alone.
//
//   ProgramHeader | Op[op_count] | uint32_t label[label_count] | strings (each ends in NUL)
//
// An op works on the registers of its thread (64-bit, unsigned), on the words at the start of the
// pages of the workload's regions, and on system calls. Any change here raises kProgramVersion.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest_abi/accounting.h"
#include "guest_abi/syscall.h"

namespace guest_abi {

inline constexpr uint32_t kProgramMagic = 0x4c574d50;  // "PMWL"
inline constexpr uint32_t kProgramVersion = 2;
inline constexpr uint32_t kMaxProgramBytes = 256 * 1024;
inline constexpr unsigned kMaxLabels = kMaxPhases - kFirstLabelPhase;
inline constexpr unsigned kRegisterCount = 48;  // of each thread
inline constexpr uint64_t kMaxSpin = uint64_t{1} << 20;
inline constexpr unsigned kMaxThreads = 8;  // of a process, the first one included

// What the interpreter uses of its fixed places, all of it populated by the kernel before it
// starts: kStateBytes from kStateBase, and the threads' stacks down from kStackTop (thread i has
// [kStackTop - (i + 1) * kThreadStackBytes, kStackTop - i * kThreadStackBytes)).
inline constexpr uint64_t kStateBytes = 0x2000;
inline constexpr uint64_t kThreadStackBytes = 0x2000;
inline constexpr uint64_t kStackBytes = kMaxThreads * kThreadStackBytes;
static_assert(kStateBase + kStateBytes <= kStackTop - kStackBytes);
static_assert(kProgramBase + kMaxProgramBytes <= kStateLimit);

// d, a, b: registers named by the op's fields; imm: its number; text: a string of the program.
#define GUEST_ABI_OPCODES(X)                                                                    \
  X(kEnd, "end") /* the program ends: shuts the guest down with code a, threads being joined */ \
  X(kConst, "const")         /* d = imm */                                                      \
  X(kMove, "move")           /* d = a */                                                        \
  X(kAdd, "add")             /* d = a + b */                                                    \
  X(kSub, "sub")             /* d = a - b */                                                    \
  X(kMul, "mul")             /* d = a * b */                                                    \
  X(kDiv, "div")             /* d = a / b; fails if b is 0 */                                   \
  X(kMod, "mod")             /* d = a % b; fails if b is 0 */                                   \
  X(kAnd, "and")             /* d = a & b */                                                    \
  X(kEqual, "eq")            /* d = a == b */                                                   \
  X(kNotEqual, "ne")         /* d = a != b */                                                   \
  X(kLess, "lt")             /* d = a < b */                                                    \
  X(kLessEqual, "le")        /* d = a <= b */                                                   \
  X(kNot, "not")             /* d = a == 0 */                                                   \
  X(kRandom, "random")       /* d = uniform below a; fails if a is 0 */                         \
  X(kQuery, "query")         /* d = the fact that imm names (Query) */                          \
  X(kJump, "jump")           /* to op imm */                                                    \
  X(kJumpIfZero, "jz")       /* to op imm if a == 0 */                                          \
  X(kBound, "bound")         /* fails with text unless a < imm */                               \
  X(kBoundEnd, "bound_end")  /* fails with text unless b <= a and a <= imm */                   \
  X(kExpect, "expect")       /* fails with text and the string at imm unless a != 0 */          \
  X(kExpectResult, "result") /* fails with text unless a == b, both signed */                   \
  X(kSyscall, "syscall")     /* d = system call imm with registers a, a + 1, ... a + 5 */       \
  X(kLoad, "load")           /* d = word at address a; fails on a fault */                      \
  X(kStore, "store")         /* word at address a = b; fails on a fault */                      \
  X(kTryLoad, "try_load")    /* reads at address a: d = 1, or 0 if it faulted there */          \
  X(kTryStore, "try_store")  /* word at address a = b: d = 1, or 0 if it faulted there */       \
  X(kFetchAdd, "fetch_add")  /* d = word at address a, which atomically grows by b */           \
  X(kFill, "fill")           /* word i of the page at address a = b + i, for all 512 */         \
  X(kVerify, "verify")       /* fails with text unless the page at a is as kFill left it */     \
  X(kCrash, "crash")         /* without a fault handler: reads address a (d 0) or writes */     \
  X(kFork, "fork")     /* child: d = 0, goes on; parent: d = pid, at op imm; a failure fails */ \
  X(kWait, "wait")     /* d = status of a child that ended, or a negative errno */              \
  X(kExit, "exit")     /* ends the process with code a, its threads being joined */             \
  X(kExec, "exec")     /* goes on with the next op in a new address space, as thread 0 with all \
                          registers 0; a failure fails, or d = errno and on at op imm */        \
  X(kThread, "thread") /* a thread with a copy of the registers goes on, its creator at op imm  \
                          with d = thread id */                                                 \
  X(kThreadEnd, "thread_end") /* ends the thread */                                             \
  X(kJoin, "join")            /* waits for the threads that this one created */                 \
  X(kSpin, "spin")            /* stays on the processor for a pauses, kMaxSpin at most */       \
  X(kRelax, "relax")          /* a turn of a loop that waits for another thread */              \
  X(kPrint, "print")          /* text to the console, with the value of a unless imm is 0 */

enum class Opcode : uint8_t {
#define GUEST_ABI_OPCODE(name, text) name,
  GUEST_ABI_OPCODES(GUEST_ABI_OPCODE)
#undef GUEST_ABI_OPCODE
      kCount
};

inline constexpr const char* kOpcodeNames[] = {
#define GUEST_ABI_OPCODE_NAME(name, text) text,
    GUEST_ABI_OPCODES(GUEST_ABI_OPCODE_NAME)
#undef GUEST_ABI_OPCODE_NAME
};

// kQuery's imm.
enum class Query : uint64_t { kVcpu, kVcpuCount, kPid, kSeed, kCount };

struct Op {
  Opcode code;
  uint8_t d, a, b;  // registers, < kRegisterCount
  uint32_t line;    // of the source, for messages
  uint64_t imm;
  uint32_t text;   // offset into the strings; 0 is the empty string
  uint32_t flags;  // kOpFlag..., others 0
};

// kFork, kThread, kExec: a failure does not fail the workload, d is the errno.
inline constexpr uint32_t kOpFlagMayFail = 1;
// kExpect, kExpectResult: register d is the page number that a message names.
inline constexpr uint32_t kOpFlagPage = 2;

// Offsets are in bytes from the header's start.
struct ProgramHeader {
  uint32_t magic;
  uint32_t version;
  uint32_t byte_count;  // of the whole program
  uint32_t op_count;
  uint32_t op_offset;     // multiple of 8
  uint32_t label_count;   // label i is phase kFirstLabelPhase + i
  uint32_t label_offset;  // multiple of 4: offsets into the strings
  uint32_t string_offset;
  uint32_t string_bytes;  // at least 1; the first and the last byte are NUL
  uint32_t name;          // offset into the strings: the source's name
};

static_assert(sizeof(Op) == 24);
static_assert(sizeof(ProgramHeader) == 40);

}  // namespace guest_abi
