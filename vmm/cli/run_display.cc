#include "cli/run_display.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "cli/messages.h"
#include "stats/phase_name.h"

namespace vmm {
namespace {

// A label may hold anything; a control character would move the cursor.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
  return text;
}

uint64_t per_second(const RunProgress& before, const RunProgress& now) {
  const double seconds = now.seconds - before.seconds;
  if (!(seconds > 0)) return 0;
  return static_cast<uint64_t>(static_cast<double>(now.hypercalls - before.hypercalls) / seconds);
}

}  // namespace

void RunDisplay::show_console(std::string_view text) {
  std::lock_guard lock(mutex_);
  line_.clear();
  output_.write(text);
}

void RunDisplay::show_explanation(std::string_view text) {
  std::lock_guard lock(mutex_);
  line_.clear();
  say({text.data(), text.size()});
}

void RunDisplay::show_progress(const RunProgress& progress) {
  std::lock_guard lock(mutex_);
  const std::string line =
      absl::StrFormat("pvmmu: %.0f s, phase %s, %u hypercalls, %u/s", progress.seconds,
                      printable(phase_name(phase_labels_, progress.phase)), progress.hypercalls,
                      per_second(last_, progress));
  last_ = progress;
  if (output_.line_open()) return;
  line_.show(line);
}

void RunDisplay::finish() {
  std::lock_guard lock(mutex_);
  line_.clear();
}

bool RunDisplay::failed() {
  std::lock_guard lock(mutex_);
  return !output_.status().ok();
}

}  // namespace vmm
