// What the command line asks for.
#pragma once

#include <stdint.h>

#include <span>

#include "guest_abi/lazy_lab.h"
#include "multicall/limits.h"
#include "pte_rules/checker.h"

namespace kernel {

enum class Mode : uint8_t { kEmulate, kSingle, kLazy, kBatched, kBest };

// How a fault of a secondary MMU is kept apart from invalidations (accelerator/context.h).
enum class NotifierProtocol : uint8_t { kSequence, kRecall };

struct Options {
  Mode mode = Mode::kBatched;
  bool split_ptl = true;
  multicall::Limits batch = multicall::kClassicalLimits;
  uint64_t seed = 1;
  unsigned tick_hz = 0;  // 0: no timer, threads are switched by events alone
  unsigned vcpus = 1;
  NotifierProtocol notifier_protocol = NotifierProtocol::kSequence;
  pte_rules::Settings rules;  // what the checker checks
  guest_abi::LazyPolicy lazy_policy = guest_abi::LazyPolicy::k2007;
  // Instead of a program: a schedule of the laboratory (lazy_lab/).
  guest_abi::LazySchedule lazy_schedule = guest_abi::LazySchedule::kNone;
};

// A word of the command line that the kernel does not understand; null if it understood all.
struct OptionError {
  const char* word = nullptr;
  unsigned length = 0;
};

// Reads `key=value` words, separated by spaces, from at most `size` characters up to a NUL:
//   mode=emulate|single|lazy|batched|best  split_ptl=on|off  batch=ENTRIES[:ARGUMENT_BYTES]
//   lazy_policy=2007|2023|2025|2026  lazy_schedule=nest|preempt|...  trace_pte=ADDRESS
//   notifier=sequence|recall  seed=N  tick=HZ  vcpus=1..4  check_rules=MODEL[,MODEL...][,report]
OptionError parse_options(const char* text, size_t size, Options& options);

// The options of this run; set once at boot.
const Options& options();
void set_options(const Options& options);

const char* mode_name(Mode mode);

}  // namespace kernel
