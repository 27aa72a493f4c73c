#include "trace/trace_event.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace vmm {
namespace {

constexpr uint64_t kNanosecondsPerMicrosecond = 1000;

absl::string_view phase_fields(TraceEvent::Kind kind) {
  switch (kind) {
    case TraceEvent::Kind::kBegin:
      return R"("ph":"B")";
    case TraceEvent::Kind::kEnd:
      return R"("ph":"E")";
    case TraceEvent::Kind::kInstant:
      return R"("ph":"i","s":"t")";
    case TraceEvent::Kind::kRunInstant:
      return R"("ph":"i","s":"g")";
    case TraceEvent::Kind::kMetadata:
      return R"("ph":"M")";
  }
  return "";
}

std::string quoted(absl::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

// The format counts in microseconds, with a fraction.
TraceEvent::TraceEvent(Kind kind, unsigned track, uint64_t nanoseconds)
    : text_(absl::StrCat("{", phase_fields(kind), R"(,"pid":1,"tid":)", track, R"(,"ts":)",
                         nanoseconds / kNanosecondsPerMicrosecond, ".",
                         absl::Dec(nanoseconds % kNanosecondsPerMicrosecond, absl::kZeroPad3))) {}

TraceEvent& TraceEvent::name(absl::string_view name) {
  absl::StrAppend(&text_, R"(,"name":")", name, "\"");
  return *this;
}

TraceEvent& TraceEvent::name_text(absl::string_view name) {
  absl::StrAppend(&text_, R"(,"name":)", quoted(name));
  return *this;
}

TraceEvent& TraceEvent::category(absl::string_view category) {
  absl::StrAppend(&text_, R"(,"cat":")", category, "\"");
  return *this;
}

void TraceEvent::argument(absl::string_view key) {
  absl::StrAppend(&text_, has_arguments_ ? ",\"" : R"(,"args":{")", key, "\":");
  has_arguments_ = true;
}

TraceEvent& TraceEvent::number(absl::string_view key, int64_t value) {
  argument(key);
  absl::StrAppend(&text_, value);
  return *this;
}

TraceEvent& TraceEvent::hex(absl::string_view key, uint64_t value) {
  argument(key);
  absl::StrAppend(&text_, "\"0x", absl::Hex(value), "\"");
  return *this;
}

TraceEvent& TraceEvent::word(absl::string_view key, absl::string_view value) {
  argument(key);
  absl::StrAppend(&text_, "\"", value, "\"");
  return *this;
}

TraceEvent& TraceEvent::text(absl::string_view key, absl::string_view value) {
  argument(key);
  absl::StrAppend(&text_, quoted(value));
  return *this;
}

TraceEvent& TraceEvent::flag(absl::string_view key, bool value) {
  argument(key);
  absl::StrAppend(&text_, value ? "true" : "false");
  return *this;
}

std::string TraceEvent::finish() && {
  absl::StrAppend(&text_, has_arguments_ ? "}}" : "}");
  return std::move(text_);
}

}  // namespace vmm
