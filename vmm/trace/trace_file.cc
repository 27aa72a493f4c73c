#include "trace/trace_file.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace vmm {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;
constexpr absl::string_view kBetweenEvents = ",\n";

}  // namespace

TraceFile::TraceFile(OutputFile file, const nlohmann::ordered_json& facts)
    : file_(std::move(file)),
      buffer_(absl::StrCat(R"({"displayTimeUnit":"ns","otherData":)", facts.dump(),
                           ",\n\"traceEvents\":[\n")) {
  buffer_.reserve(2 * kBufferBytes);
}

void TraceFile::add(absl::string_view events) {
  std::lock_guard lock(mutex_);
  if (events.empty() || !status_.ok()) return;
  absl::StrAppend(&buffer_, std::exchange(first_, false) ? "" : kBetweenEvents, events);
  if (buffer_.size() >= kBufferBytes) flush();
}

void TraceFile::flush() {
  status_ = file_.append(buffer_);
  failed_.store(!status_.ok());
  buffer_.clear();
}

absl::Status TraceFile::close() {
  std::lock_guard lock(mutex_);
  if (!status_.ok()) return status_;
  absl::StrAppend(&buffer_, "\n]}\n");
  status_ = file_.commit(buffer_);
  return status_;
}

}  // namespace vmm
