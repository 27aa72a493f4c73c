// How a run ended, as far as the laws speak of it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>

#include "fuzz/counter_row.h"
#include "machine/kvm_traits.h"

namespace vmm::fuzz {

struct RunReport {
  enum class End : uint8_t {
    kEnded,    // by itself: status, console, report and counters are there
    kSignal,   // the process died: status is the signal
    kTooLong,  // it was killed
    kNoStart,  // no run came about: report says why
  };
  End end = End::kNoStart;
  int status = 0;  // exit status of `pvmmu run`
  std::string console;
  std::string report;
  CounterRow counters;

  static RunReport no_start(std::string why) {
    RunReport report;
    report.report = std::move(why);
    return report;
  }
};

// The guest, and what the command line says about a run that ended.
struct GuestMachine {
  std::span<const std::byte> elf;
  KvmTraits traits;        // of the KVM here
  Trace* trace = nullptr;  // of a process that makes one run; null: none
  struct Outcome {
    int status = 0;
    std::string report;
  };
  std::function<Outcome(const RunResult&)> outcome;
};

}  // namespace vmm::fuzz
