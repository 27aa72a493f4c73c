#include "nested/control_channel.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace vmm {
namespace {

// A line is a few words; more means that this is not our script speaking.
constexpr size_t kMaxLine = 4096;

}  // namespace

absl::Status ControlChannel::feed(absl::string_view bytes) {
  while (!bytes.empty()) {
    if (file_ != nullptr) {
      const absl::string_view part = bytes.substr(0, file_bytes_left_);
      absl::StrAppend(file_, part);
      file_bytes_left_ -= part.size();
      bytes.remove_prefix(part.size());
      if (file_bytes_left_ == 0) file_ = nullptr;
      continue;
    }
    const size_t end = bytes.find('\n');
    absl::StrAppend(&line_, bytes.substr(0, end));
    if (line_.size() > kMaxLine) return absl::UnavailableError("the nested bed talks nonsense");
    if (end == absl::string_view::npos) return absl::OkStatus();
    bytes.remove_prefix(end + 1);
    const std::string line = std::move(line_);
    line_.clear();
    if (absl::Status status = take_line(line); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ControlChannel::take_line(absl::string_view line) {
  absl::string_view text = line;
  if (absl::ConsumePrefix(&text, "fault ")) {
    return absl::UnavailableError(absl::StrCat("inside the nested bed: ", text));
  }
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  if (line == "start") {
    started_ = true;
    return absl::OkStatus();
  }
  int status = 0;
  if (words.size() == 2 && words[0] == "exit" && absl::SimpleAtoi(words[1], &status)) {
    exit_status_ = status;
    return absl::OkStatus();
  }
  size_t index = 0;
  size_t size = 0;
  if (words.size() == 3 && words[0] == "file" && absl::SimpleAtoi(words[1], &index) &&
      absl::SimpleAtoi(words[2], &size) && index < output_count_) {
    std::string& content = files_[index];
    content.clear();
    if (size != 0) {
      file_ = &content;
      file_bytes_left_ = size;
    }
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("the nested bed says \"", line, "\""));
}

}  // namespace vmm
