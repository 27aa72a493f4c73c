#include "cli/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/messages.h"

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

}  // namespace

void ProgressLine::show(absl::string_view text) {
  if (where_ == Where::kOnTerminals && isatty(STDERR_FILENO) == 0) return;
  // The last column stays free: a terminal may begin a new line behind it.
  say_lines(absl::StrCat(kEraseLine, text.substr(0, terminal_columns() - 1)));
  drawn_ = true;
}

void ProgressLine::clear() {
  if (std::exchange(drawn_, false)) say_lines(kEraseLine);
}

}  // namespace vmm
