#include "fuzz/run_once.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/run_simulated.h"

namespace vmm::fuzz {

void run_once(const RunPoint& point, const GuestMachine& guest, std::span<const std::byte> program,
              std::function<std::span<const std::byte>()> replace, RunArea& area,
              SchedulePolicy* policy) {
  RunReport report;
  RunOptions options = machine_options(point.settings);
  options.console = [&report](std::string_view text) { report.console += text; };
  options.trace = guest.trace;
  options.traits = point.simulated() ? KvmTraits{} : guest.traits;
  options.ended = [&](const RunResult& result) {
    const GuestMachine::Outcome outcome = guest.outcome(result);
    report.end = RunReport::End::kEnded;
    report.status = outcome.status;
    report.report = outcome.report;
    report.counters = counter_row(result);
    area.put_report(report);
    _exit(0);
  };
  const SimOptions sim{point.settings.sim_tlb, point.settings.seed, std::move(replace), policy};
  const absl::StatusOr<RunResult> result = point.simulated()
                                               ? run_simulated(options, sim, guest.elf, program)
                                               : run_machine(options, guest.elf, program);
  report.report = std::string(result.status().message());
  area.put_report(report);
  _exit(0);
}

RunReport report_of_death(int wait_status) {
  RunReport report;
  if (WIFSIGNALED(wait_status)) {
    report.status = WTERMSIG(wait_status);
    report.end = report.status == SIGALRM ? RunReport::End::kTooLong : RunReport::End::kSignal;
  } else {
    report.report = absl::StrCat("the process of a run ended with status ",
                                 WEXITSTATUS(wait_status), " and no report");
  }
  return report;
}

RunReport run_in_child(const RunPoint& point, const GuestMachine& guest, RunArea& area,
                       unsigned patience_seconds) {
  const pid_t child = fork();
  if (child < 0) return RunReport::no_start("cannot fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    alarm(patience_seconds);
    const std::span<const std::byte> program = area.program();
    const std::vector<std::byte> copy(program.begin(), program.end());
    run_once(point, guest, copy, nullptr, area);
  }
  int wait_status = 0;
  while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
  RunReport report;
  return wait_status == 0 && area.take_report(report) ? report : report_of_death(wait_status);
}

}  // namespace vmm::fuzz
