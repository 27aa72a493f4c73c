// One row of a trace: slices that nest, and marks.
//
// What a trap was is known only when it has been looked at. So a slice may be begun without a name;
// what happens on the track meanwhile is held back until it gets one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "trace/trace_event.h"
#include "trace/trace_file.h"

namespace vmm {

class TraceTrack {
 public:
  TraceTrack(TraceFile& file, unsigned number) : file_(file), number_(number) {}

  // What a viewer shows in front of it. Tracks stand in the order of their numbers.
  void name(absl::string_view text);
  // To be filled and given to add(). A slice's begin and end must match.
  TraceEvent begin(uint64_t now);
  TraceEvent end(uint64_t now);
  TraceEvent instant(uint64_t now) { return TraceEvent(TraceEvent::Kind::kInstant, number_, now); }
  void add(TraceEvent event);

  // The outermost slice begins now, and begin() will say as what.
  void begin_unnamed(uint64_t now) { unnamed_since_ = now; }
  // Ends all slices that are open, the innermost first; one without a name leaves no trace.
  void end_all(uint64_t now);
  unsigned depth() const { return depth_; }
  unsigned number() const { return number_; }

 private:
  TraceFile& file_;
  const unsigned number_;
  unsigned depth_ = 0;
  std::optional<uint64_t> unnamed_since_;
  std::string held_;  // events of the slice without a name
};

}  // namespace vmm
