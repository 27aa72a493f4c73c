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
  if (refusal.reason[0] != 0) ++reached_[std::string("because ") + refusal.reason];
  if (outcome.done != 0) ++reached_["refused after part of an array"];
}

void Coverage::note_state(const ReferenceModel& model, unsigned vcpu_count) {
  for (uint64_t frame = kSharedFrame; frame < kFrames; ++frame) {
    const ReferenceModel::Usage& usage = model.usage(frame);
    if (usage.type == PageType::kNone) continue;
    const std::string type = page_type_name(usage.type);
    ++reached_["state: " + type];
    if (usage.typed > 2) ++reached_["state: used thrice: " + type];
    if (model.pinned(frame) && frame != kSystemL4) ++reached_["state: pinned " + type];
    if (usage.same_level_held != 0) ++reached_["state: same-level entries in " + type];
    if (usage.same_level_named != 0) ++reached_["state: named by same-level entries: " + type];
  }
  for (unsigned vcpu = 0; vcpu < vcpu_count; ++vcpu) {
    const ReferenceModel::Roots& roots = model.roots(vcpu);
    if (!roots.kernel) ++reached_["state: a vCPU without tables"];
    if (roots.kernel && *roots.kernel != kSystemL4) ++reached_["state: a vCPU on other tables"];
    if (roots.user) ++reached_["state: a vCPU with user tables"];
  }
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
