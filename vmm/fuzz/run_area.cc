#include "fuzz/run_area.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "guest_abi/workload.h"

namespace vmm::fuzz {
namespace {

constexpr size_t kProgram = 4096;
constexpr size_t kReport = kProgram + guest_abi::kMaxProgramBytes;
constexpr size_t kSize = size_t{1} << 20;
constexpr size_t kLongestText = size_t{64} << 10;

// At the start of the area.
struct Header {
  uint64_t program_bytes;
  bool reported;
  RunReport::End end;
  int32_t status;
  uint64_t console_bytes, report_bytes, counter_count;
};

Header& header(std::byte* base) {
  return *reinterpret_cast<Header*>(base);
}

}  // namespace

absl::StatusOr<RunArea> RunArea::create() {
  void* base = mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap of memory shared with runs");
  return RunArea(static_cast<std::byte*>(base));
}

RunArea::RunArea(RunArea&& other) noexcept : base_(std::exchange(other.base_, nullptr)) {}

RunArea::~RunArea() {
  if (base_ != nullptr) munmap(base_, kSize);
}

void RunArea::put_program(std::span<const std::byte> program) {
  header(base_) = {};
  header(base_).program_bytes = program.size();
  std::memcpy(base_ + kProgram, program.data(), program.size());
}

std::span<const std::byte> RunArea::program() const {
  return {base_ + kProgram, header(base_).program_bytes};
}

void RunArea::put_report(const RunReport& report) {
  Header& to = header(base_);
  to.end = report.end;
  to.status = report.status;
  to.console_bytes = std::min(report.console.size(), kLongestText);
  to.report_bytes = std::min(report.report.size(), kLongestText);
  std::byte* at = base_ + kReport;
  std::memcpy(at, report.console.data(), to.console_bytes);
  at += to.console_bytes;
  std::memcpy(at, report.report.data(), to.report_bytes);
  at += to.report_bytes;
  const auto room = static_cast<size_t>(base_ + kSize - at) / sizeof(CountedValue);
  to.counter_count = std::min(report.counters.size(), room);
  std::memcpy(at, report.counters.data(), to.counter_count * sizeof(CountedValue));
  to.reported = true;
}

bool RunArea::take_report(RunReport& report) const {
  const Header& from = header(base_);
  if (!from.reported) return false;
  report.end = from.end;
  report.status = from.status;
  const char* at = reinterpret_cast<const char*>(base_ + kReport);
  report.console.assign(at, from.console_bytes);
  at += from.console_bytes;
  report.report.assign(at, from.report_bytes);
  at += from.report_bytes;
  report.counters.resize(from.counter_count);
  std::memcpy(report.counters.data(), at, from.counter_count * sizeof(CountedValue));
  return true;
}

}  // namespace vmm::fuzz
