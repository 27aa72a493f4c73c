// Memory that a process shares with those that it forks: the program of a run goes there, and what
// came of it comes back.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/statusor.h"
#include "fuzz/run_report.h"

namespace vmm::fuzz {

class RunArea {
 public:
  static absl::StatusOr<RunArea> create();
  RunArea(RunArea&& other) noexcept;
  RunArea& operator=(RunArea&&) = delete;
  ~RunArea();

  // By the one who asks. No program is longer than guest_abi::kMaxProgramBytes.
  void put_program(std::span<const std::byte> program);
  // What was put there, whole or, if it is too long, not at all. False: nobody did.
  bool take_report(RunReport& report) const;

  // By the one who runs. A console or a report that is very long is cut.
  std::span<const std::byte> program() const;
  void put_report(const RunReport& report);

 private:
  explicit RunArea(std::byte* base) : base_(base) {}

  std::byte* base_;
};

}  // namespace vmm::fuzz
