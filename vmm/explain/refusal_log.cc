#include "explain/refusal_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "explain/frame_text.h"
#include "explain/refusal_text.h"

namespace vmm {
namespace {

using pvmmu::Refusal;

bool alike(const Refusal& one, const Refusal& other) {
  return one.rule == other.rule && one.error == other.error &&
         std::string_view(one.operation) == other.operation &&
         std::string_view(one.reason) == other.reason && one.now.in_range == other.now.in_range &&
         one.now.owner == other.now.owner && one.now.type == other.now.type;
}

}  // namespace

size_t RefusalLog::kind_of(const Refusal& refusal) {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(),
                                  [&](const Kind& kind) { return alike(kind.example, refusal); });
  if (found != kinds_.end()) return static_cast<size_t>(found - kinds_.begin());
  kinds_.push_back({.example = refusal});
  return kinds_.size() - 1;
}

void RefusalLog::add(const FrameSource& frames, unsigned vcpu, const Refusal& refusal,
                     absl::FunctionRef<AskedFor()> asked) {
  const size_t index = kind_of(refusal);
  Kind& kind = kinds_[index];
  ++kind.count;
  if (kind.kept >= limits_.of_each_kind || kept_.size() >= limits_.in_all) {
    ++dropped_;
    return;
  }
  ++kind.kept;
  kept_.push_back({make_refusal_record(frames, vcpu, refusal, asked()), index});
  if (!print_) return;
  const bool last = kind.kept == limits_.of_each_kind;
  print_(absl::StrCat("refusal ", kept_.size(), ": ", explanation(kept_.back().record),
                      last ? " (More of this kind are only counted.)" : ""));
}

RefusalReport RefusalLog::report() const {
  RefusalReport report;
  for (const Entry& entry : kept_) {
    report.records.push_back({entry.record, kinds_[entry.kind].count});
  }
  report.dropped = dropped_;
  for (const Kind& kind : kinds_) {
    if (kind.count == kind.kept) continue;
    const Refusal& refusal = kind.example;
    absl::StrAppendFormat(
        &report.summary, "  %u of %s, rule %s, %s: %s%s\n", kind.count - kind.kept,
        refusal.operation, pvmmu::kRuleTags[static_cast<unsigned>(refusal.rule)],
        pvmmu::errno_name(refusal.error), refusal.reason,
        refusal.now.in_range ? absl::StrCat(" (", type_text(snapshot_state(refusal.now)), ")")
                             : "");
  }
  return report;
}

}  // namespace vmm
