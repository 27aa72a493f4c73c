#include "explore/guest_runs.h"

#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "explore/memory_state.h"
#include "fuzz/laws.h"
#include "stats/phase_attribution.h"
#include "trace/trace.h"

namespace vmm::explore {
namespace {

constexpr unsigned kPatienceSeconds = 20;
// Of a process that ended its run itself; the tape says why.
constexpr int kEndedByPolicy = 9;
// What its trace says.
constexpr int kStatusOfFailure = 1;

RunRecord judge(const fuzz::RunPoint& point, const fuzz::RunReport& report, Verdict ended) {
  using End = fuzz::RunReport::End;
  RunRecord record;
  if (ended == Verdict::kDeadlock) {
    return {ended, "no processor can go on"};
  }
  if (ended == Verdict::kEndless) {
    return {ended, "the run does not end"};
  }
  if (ended == Verdict::kUnwritten) return {ended, "the trace cannot be written"};
  if (ended == Verdict::kKnown) return {ended, ""};
  switch (report.end) {
    case End::kEnded:
      record.verdict = report.status == 0 ? Verdict::kFine : Verdict::kFailed;
      record.what = absl::StrCat(report.report, report.status == 0 ? "" : report.console);
      break;
    case End::kSignal:
      record = {Verdict::kDied, absl::StrCat("the process died: ", strsignal(report.status))};
      break;
    case End::kTooLong:
      record = {Verdict::kEndless, "the run takes too long"};
      break;
    case End::kNoStart:
      record = {Verdict::kCannot, report.report};
  }
  if (is_failure(record.verdict)) {
    const auto finding = fuzz::judge({&point, 1}, {&report, 1});
    if (finding) record.sort = absl::StrCat(fuzz::law_name(finding->law), ": ", finding->kind);
  }
  return record;
}

void close_trace(Trace& trace, int status, bool partial, Tape& tape) {
  if (!trace.close(status, partial).ok()) tape.end(Verdict::kUnwritten);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GuestRuns>> GuestRuns::create(const fuzz::RunPoint& point,
                                                             const fuzz::GuestMachine& guest,
                                                             std::vector<std::byte> program,
                                                             uint32_t most_points,
                                                             KnownStates* states) {
  if (program.size() > fuzz::Zygote::kMostProgramBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the workload is too large to be explored: its program has ", program.size(),
                     " bytes, and may have ", fuzz::Zygote::kMostProgramBytes));
  }
  auto tape = Tape::create(most_points);
  if (!tape.ok()) return tape.status();
  std::unique_ptr<GuestRuns> runs(
      new GuestRuns(point, *std::move(tape), std::move(program), states, guest.trace));
  fuzz::GuestMachine machine = guest;
  if (guest.trace != nullptr) {
    machine.outcome = [&guest, &to = runs->tape_](const RunResult& result) {
      const auto outcome = guest.outcome(result);
      close_trace(*guest.trace, outcome.status, false, to);
      return outcome;
    };
  }
  auto zygote = fuzz::Zygote::create(point, machine, &runs->policy_);
  if (!zygote.ok()) return zygote.status();
  runs->zygote_ = *std::move(zygote);
  return runs;
}

RunRecord GuestRuns::run(const Plan& plan) {
  tape_.put(plan);
  const fuzz::RunReport report = zygote_->run(program_, kPatienceSeconds);
  RunRecord record = judge(point_, report, tape_.verdict());
  record.points = tape_.points();
  return record;
}

void GuestRuns::TapePolicy::begin() {
  static_assert(sizeof(Chooser) <= 1024);
  if (states_ != nullptr) PhaseAttribution::leave_times_out();
  chooser_ = new (tape_.scratch()) Chooser(tape_.switches(), tape_.turn_switches(), tape_.walk());
}

unsigned GuestRuns::TapePolicy::choose(const SchedulePoint& point, unsigned running,
                                       uint32_t able) {
  PassedPoint passed;
  passed.kind = point.kind;
  passed.running = static_cast<uint8_t>(running);
  passed.able = static_cast<uint8_t>(able);
  passed.usual = static_cast<uint8_t>(usual_turn(point.kind, running, able));
  passed.chosen = static_cast<uint8_t>(chooser_->choose(point.kind, running, able));
  if (tape_.detailed()) {
    passed.about = point.about;
    std::copy_n(point.callers.begin(), std::min<size_t>(point.callers.size(), kCallers),
                passed.callers);
  }
  if (passed.chosen != running && is_known(passed.chosen, __builtin_frame_address(0))) {
    end(Verdict::kKnown);
  }
  if (!tape_.record(passed)) end(Verdict::kEndless);
  return passed.chosen;
}

// Looked at where another turn goes on, behind the last switch of the plan.
bool GuestRuns::TapePolicy::is_known(unsigned chosen, const void* live) {
  const int left = tape_.switches_left();
  if (states_ == nullptr || left < 0 || !chooser_->plan_is_over()) return false;
  const uint64_t state = memory_state(live);
  return state != 0 && states_->know(absl::HashOf(state, chosen), static_cast<unsigned>(left));
}

void GuestRuns::TapePolicy::stuck() {
  end(Verdict::kDeadlock);
}

void GuestRuns::TapePolicy::end(Verdict verdict) {
  tape_.end(verdict);
  if (trace_ != nullptr) {
    trace_->stop();
    close_trace(*trace_, kStatusOfFailure, true, tape_);
  }
  _exit(kEndedByPolicy);
}

}  // namespace vmm::explore
