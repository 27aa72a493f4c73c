// The text of one event in the Trace Event format, built piece by piece (docs/trace.md).
//
// Names, categories and keys are the VMM's own words and stand as they are; text() of an argument
// escapes. Numbers that may need all 64 bits are hexadecimal strings: readers hold numbers as
// doubles.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace vmm {

class TraceEvent {
 public:
  // An instant is a mark of its track, or of the whole run.
  enum class Kind { kBegin, kEnd, kInstant, kRunInstant, kMetadata };

  // `track` is the event's tid; `nanoseconds` since the start of the run.
  TraceEvent(Kind kind, unsigned track, uint64_t nanoseconds);
  TraceEvent& name(absl::string_view name);
  // A name that is not the VMM's.
  TraceEvent& name_text(absl::string_view name);
  TraceEvent& category(absl::string_view category);

  TraceEvent& number(absl::string_view key, int64_t value);
  TraceEvent& hex(absl::string_view key, uint64_t value);
  TraceEvent& word(absl::string_view key, absl::string_view value);  // needs no escape
  TraceEvent& text(absl::string_view key, absl::string_view value);
  TraceEvent& flag(absl::string_view key, bool value);

  // The finished event, after which it must not be used any more.
  std::string finish() &&;

 private:
  void argument(absl::string_view key);

  std::string text_;
  bool has_arguments_ = false;
};

}  // namespace vmm
