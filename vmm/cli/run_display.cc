#include "cli/run_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/messages.h"
#include "stats/phase_name.h"

namespace vmm {
namespace {

// Back to the first column, and everything behind it away.
constexpr absl::string_view kEraseLine = "\r\x1b[K";
constexpr size_t kUsualColumns = 80;

size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return known ? size.ws_col : kUsualColumns;
}

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
  erase();
  output_.write(text);
}

void RunDisplay::show_explanation(std::string_view text) {
  std::lock_guard lock(mutex_);
  erase();
  say({text.data(), text.size()});
}

void RunDisplay::show_progress(const RunProgress& progress) {
  std::lock_guard lock(mutex_);
  std::string line =
      absl::StrFormat("pvmmu: %.0f s, phase %s, %u hypercalls, %u/s", progress.seconds,
                      printable(phase_name(phase_labels_, progress.phase)), progress.hypercalls,
                      per_second(last_, progress));
  last_ = progress;
  if (output_.line_open()) return;
  // The last column stays free: a terminal may begin a new line behind it.
  line.resize(std::min(line.size(), terminal_columns() - 1));
  say_lines(absl::StrCat(kEraseLine, line));
  drawn_ = true;
}

void RunDisplay::finish() {
  std::lock_guard lock(mutex_);
  erase();
}

bool RunDisplay::failed() {
  std::lock_guard lock(mutex_);
  return !output_.status().ok();
}

void RunDisplay::erase() {
  if (!drawn_) return;
  drawn_ = false;
  say_lines(kEraseLine);
}

}  // namespace vmm
