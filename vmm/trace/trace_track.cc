#include "trace/trace_track.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace vmm {

void TraceTrack::name(absl::string_view text) {
  const auto metadata = [this](absl::string_view what) {
    TraceEvent event(TraceEvent::Kind::kMetadata, number_, 0);
    event.name(what);
    return event;
  };
  file_.add(std::move(metadata("thread_name").text("name", text)).finish());
  file_.add(std::move(metadata("thread_sort_index").number("sort_index", number_)).finish());
}

// Takes the place of a slice that was begun without a name.
TraceEvent TraceTrack::begin(uint64_t now) {
  ++depth_;
  return TraceEvent(TraceEvent::Kind::kBegin, number_, unnamed_since_.value_or(now));
}

TraceEvent TraceTrack::end(uint64_t now) {
  --depth_;
  return TraceEvent(TraceEvent::Kind::kEnd, number_, now);
}

void TraceTrack::add(TraceEvent event) {
  std::string text = std::move(event).finish();
  if (!unnamed_since_) {
    file_.add(text);
  } else if (depth_ == 0) {
    absl::StrAppend(&held_, held_.empty() ? "" : ",\n", text);
  } else {  // the begin that gives the slice its name
    unnamed_since_.reset();
    file_.add(text);
    file_.add(std::exchange(held_, {}));
  }
}

void TraceTrack::end_all(uint64_t now) {
  while (depth_ != 0) add(end(now));
  unnamed_since_.reset();
  file_.add(std::exchange(held_, {}));
}

}  // namespace vmm
