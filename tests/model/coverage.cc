#include "coverage.h"

namespace pvmmu::model {

void Coverage::note(const Step& step, const Outcome& outcome, const Refusal& refusal) {
  const std::string name = kStepNames[static_cast<unsigned>(step.kind)];
  if (outcome.result >= 0) {
    ++reached_[name + " ok"];
    if (step.kind == StepKind::kEmulate) {
      ++reached_["emulate status " + std::to_string(static_cast<unsigned>(outcome.status))];
    }
    return;
  }
  const std::string error = errno_name(static_cast<Errno>(-outcome.result));
  const std::string rule = kRuleTags[static_cast<unsigned>(outcome.rule)];
  ++reached_[name + " " + error];
  ++reached_[error];
  ++reached_["rule " + rule];
  ++reached_[std::string("because ") + refusal.reason];
  if (outcome.done != 0) ++reached_["refused after part of an array"];
}

void Coverage::add(const Coverage& other) {
  for (const auto& [what, times] : other.reached_) reached_[what] += times;
}

uint64_t Coverage::times(const std::string& what) const {
  const auto found = reached_.find(what);
  return found == reached_.end() ? 0 : found->second;
}

std::string Coverage::table() const {
  std::string text;
  for (const auto& [what, times] : reached_)
    text += "  " + what + ": " + std::to_string(times) + "\n";
  return text;
}

}  // namespace pvmmu::model
