#include "explore/timeline.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace vmm::explore {
namespace {

constexpr int kColumn = 46;
constexpr size_t kNamesOfCallers = 3;
// Shown of what a turn does in one go.
constexpr size_t kShownFirst = 1, kShownLast = 3;
// Stretches shown before the first switch.
constexpr size_t kStretchesBefore = 2;

// What a reader looks for, wherever it is.
bool is_told(PointKind kind) {
  return (kind >= PointKind::notify_start && kind <= PointKind::retry) ||
         kind == PointKind::issue || kind == PointKind::flush ||
         kind == PointKind::device_faulted || kind == PointKind::device_ended;
}

struct Stretch {
  size_t first, end;  // points
};

std::vector<Stretch> stretches_of(const std::vector<PassedPoint>& points) {
  std::vector<Stretch> stretches;
  for (size_t i = 0; i < points.size(); ++i) {
    if (stretches.empty() || points[i].running != points[i - 1].running)
      stretches.push_back({i, i});
    stretches.back().end = i + 1;
  }
  return stretches;
}

unsigned turn_count(const std::vector<PassedPoint>& points) {
  unsigned count = 0;
  for (const PassedPoint& point : points) {
    count = std::max({count, point.running + 1u, point.chosen + 1u});
  }
  return count;
}

// "pin_leaf < pin_subtree": who is at it, without what every such point has.
std::string callers_text(const PassedPoint& point, const TimelineStyle& style) {
  std::vector<std::string> names;
  for (const uint64_t caller : point.callers) {
    if (caller == 0 || names.size() == kNamesOfCallers) break;
    std::string name = style.code_name ? style.code_name(caller) : "";
    name = name.substr(0, name.find('('));
    for (const char* space : {"kernel::", "(anonymous namespace)::", "multicall::"}) {
      if (const size_t at = name.find(space); at != std::string::npos)
        name.erase(at, std::string(space).size());
    }
    if (const size_t at = name.rfind("::");
        at != std::string::npos && !name.starts_with("Spinlock")) {
      const size_t before = name.rfind("::", at - 1);
      if (before != std::string::npos) name.erase(0, before + 2);
    }
    const bool wrapper = name.starts_with("Spinlock") || name.starts_with("entry_") ||
                         name.find("Guard") != std::string::npos || name.starts_with("Queue") ||
                         name.starts_with("CallBatch");
    if (!name.empty() && !wrapper) names.push_back(name);
  }
  return absl::StrJoin(names, " < ");
}

class Writer {
 public:
  Writer(const RunRecord& record, const TimelineStyle& style)
      : points_(record.points), style_(style), turns_(turn_count(record.points)) {}

  std::string write() {
    std::string header = " point ";
    for (unsigned turn = 0; turn < turns_; ++turn) {
      absl::StrAppendFormat(&header, " %-*s", kColumn, style_.turn_name(turn));
    }
    line(header);
    const std::vector<Stretch> stretches = stretches_of(points_);
    for (size_t i = first_shown(stretches); i < stretches.size(); ++i) write_stretch(stretches[i]);
    return text_;
  }

 private:
  void line(absl::string_view text) {
    absl::StrAppend(&text_, absl::StripTrailingAsciiWhitespace(text), "\n");
  }

  size_t first_shown(const std::vector<Stretch>& stretches) const {
    if (style_.whole) return 0;
    for (size_t i = 0; i < stretches.size(); ++i) {
      const PassedPoint& last = points_[stretches[i].end - 1];
      if (last.chosen != last.usual) return i > kStretchesBefore ? i - kStretchesBefore : 0;
    }
    return 0;
  }

  void write_stretch(const Stretch& stretch) {
    const size_t count = stretch.end - stretch.first;
    const bool whole = style_.whole || count <= kShownFirst + kShownLast + 1;
    size_t left_out = 0;
    for (size_t i = stretch.first; i < stretch.end; ++i) {
      const bool at_an_end = i < stretch.first + kShownFirst || i + kShownLast >= stretch.end;
      if (!whole && !at_an_end && !is_told(points_[i].kind)) {
        ++left_out;
        continue;
      }
      if (left_out != 0) {
        line(cell("", points_[i].running, absl::StrCat("... ", left_out, " more")));
      }
      left_out = 0;
      write_point(i);
    }
  }

  void write_point(size_t number) {
    const PassedPoint& point = points_[number];
    std::string what = point_text(point.kind);
    const std::string callers = callers_text(point, style_);
    if (!callers.empty()) {
      absl::StrAppend(&what, ": ", callers);
    } else if (point.kind == PointKind::access && point.about != 0) {
      absl::StrAppendFormat(&what, " to 0x%x", point.about);
    }
    line(cell(absl::StrFormat("%6d", number), point.running, what));
    if (point.chosen != point.usual) {
      line(cell("", point.running,
                absl::StrCat("--- switch: ", style_.turn_name(point.chosen), " goes on")));
    }
  }

  std::string cell(absl::string_view number, unsigned turn, absl::string_view text) const {
    return absl::StrFormat("%6s  %*s%s", number, static_cast<int>(turn) * (kColumn + 1), "", text);
  }

  const std::vector<PassedPoint>& points_;
  const TimelineStyle& style_;
  const unsigned turns_;
  std::string text_;
};

}  // namespace

std::string timeline(const RunRecord& record, const TimelineStyle& style) {
  return Writer(record, style).write();
}

}  // namespace vmm::explore
