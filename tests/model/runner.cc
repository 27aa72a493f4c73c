#include "runner.h"

#include <cstring>

#include "base/pte.h"

namespace pvmmu::model {

namespace {

std::string outcome_text(const Outcome& outcome) {
  return "result " + std::to_string(outcome.result) + " rule " +
         kRuleTags[static_cast<unsigned>(outcome.rule)] + " done " + std::to_string(outcome.done) +
         " status " + std::to_string(static_cast<unsigned>(outcome.status)) + " old value " +
         std::to_string(outcome.old_value) + (outcome.exchanged ? " exchanged" : "");
}

}  // namespace

RunOptions options_of(uint64_t n) {
  RunOptions options{.unbatched_twin = n % 4 == 3};
  switch (n % 6) {
    case 0:
      options.cuts = ForcedCuts::every();
      break;
    case 2:
      options.cuts = ForcedCuts::at(1 + static_cast<uint32_t>(n / 6 % 12));
      break;
    case 4:
      options.cuts = ForcedCuts::random(n);
      break;
    default:
      break;
  }
  return options;
}

Comparison::Comparison(const Scenario& scenario, RunOptions options, Coverage* coverage)
    : model_(scenario),
      machine_(scenario, Batching::kWhole),
      vcpu_count_(scenario.vcpus),
      coverage_(coverage) {
  if (options.unbatched_twin) twin_.emplace(scenario, Batching::kOneByOne);
  if (options.cuts.forces()) cut_twin_.emplace(scenario, Batching::kWhole, options.cuts);
}

// The guest stores its requests before it makes the call, if its tables let it.
void Comparison::place_array(const Step& step) {
  const uint64_t words = element_size(step.kind) / 8;
  for (size_t i = 0; i < step.requests.size(); ++i) {
    const Request& request = step.requests[i];
    const uint64_t values[] = {request.first, request.second, request.third};
    for (uint64_t word = 0; word < words; ++word) {
      store(step.vcpu, false, step.array + (i * words + word) * 8, values[word]);
    }
  }
}

void Comparison::store(unsigned vcpu, bool user, uint64_t address, uint64_t value) {
  const auto machine_address = model_.processor_store(vcpu, user, address, value);
  if (!machine_address) return;
  machine_.processor_store(vcpu, user, address, *machine_address, value);
  if (twin_) twin_->processor_store(vcpu, user, address, *machine_address, value);
  if (cut_twin_) cut_twin_->processor_store(vcpu, user, address, *machine_address, value);
}

std::optional<std::string> Comparison::apply(const Step& step) {
  if (has_array(step.kind)) place_array(step);
  Outcome wanted;
  Outcome got;
  if (step.kind == StepKind::kStore) {
    store(step.vcpu, step.user, step.address, step.value);
  } else {
    wanted = model_.apply(step);
    got = machine_.apply(step);
  }
  last_ = got;
  const uint64_t changed = model_.take_changed_frames();
  if (coverage_ != nullptr) {
    coverage_->note(step, got, machine_.refusal());
    // The state changes slowly; now and then is enough.
    if (++steps_ % 16 == 0) coverage_->note_state(model_, vcpu_count_);
  }
  if (auto broken = compare(machine_, wanted, got, changed)) return broken;
  if (twin_) {
    if (step.kind != StepKind::kStore) got = twin_->apply(step);
    if (auto broken = compare(*twin_, wanted, got, changed)) return "one by one: " + *broken;
  }
  if (!cut_twin_) return std::nullopt;
  if (step.kind != StepKind::kStore) got = cut_twin_->apply(step);
  if (auto broken = compare(*cut_twin_, wanted, got, changed)) return "in pieces: " + *broken;
  if (auto broken = compare_counts(*cut_twin_)) return "in pieces: " + *broken;
  return std::nullopt;
}

std::optional<std::string> Comparison::compare_counts(const Machine& other) const {
  const MmuCounters& one = machine_.counters();
  const MmuCounters& two = other.counters();
#define PVMMU_COMPARE_COUNTER(name)                                                       \
  if (one.name != two.name) {                                                             \
    return #name " is " + std::to_string(two.name) + ", not " + std::to_string(one.name); \
  }
  PVMMU_MMU_COUNTERS(PVMMU_COMPARE_COUNTER)
#undef PVMMU_COMPARE_COUNTER
  return std::nullopt;
}

std::string Comparison::last_answer() const {
  if (last_.result >= 0) {
    return "answers " + std::to_string(last_.result) + " after " + std::to_string(last_.done);
  }
  return std::string(errno_name(static_cast<Errno>(-last_.result))) + " after " +
         std::to_string(last_.done) + ": " + machine_.refusal().reason;
}

std::optional<std::string> Comparison::compare(Machine& machine, const Outcome& wanted,
                                               const Outcome& got, uint64_t changed_frames) {
  if (got != wanted) {
    return "the MMU answers " + outcome_text(got) + ", the model " + outcome_text(wanted);
  }
  changed_frames |= machine.take_changed_frames();
  for (unsigned frame = 0; frame < kFrames; ++frame) {
    if ((changed_frames >> frame & 1) == 0) continue;
    const size_t at = size_t{frame} * kEntriesPerTable;
    if (std::memcmp(&machine.memory()[at], &model_.memory()[at], kPageSize) == 0) continue;
    for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) {
      const uint64_t ours = machine.memory()[at + slot];
      if (ours == model_.word(frame, slot)) continue;
      char text[96];
      std::snprintf(text, sizeof text, "word %u.%u: the MMU has %#lx, the model %#lx", frame, slot,
                    ours, model_.word(frame, slot));
      return text;
    }
  }
  if (machine.pfns() != model_.pfns()) return "the m2p differs";
  return machine.check(model_);
}

std::optional<Failure> run(const Scenario& scenario, RunOptions options, Coverage* coverage) {
  Comparison running(scenario, options, coverage);
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    if (auto broken = running.apply(scenario.steps[i])) return Failure{i, *broken};
  }
  return std::nullopt;
}

}  // namespace pvmmu::model
