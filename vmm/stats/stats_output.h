// Where the statistics go, and in which form.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace vmm {

enum class StatsForm { kTable, kJson, kNone };

// The statistics in the form asked for, with a newline at the end; JSON is one line. Empty for
// kNone.
std::string format_statistics(const nlohmann::ordered_json& statistics, StatsForm form);
// Rows that counted something, aligned, for people.
std::string statistics_table(const nlohmann::ordered_json& statistics);

// A file that is written whole or not at all: opened beside its place before the guest runs, so
// that a place that cannot be written is known early, and renamed there by commit(). Destroyed
// without commit() it leaves nothing. A place that is no regular file (a terminal, a pipe,
// /dev/null) is opened and written as it stands, since renaming would replace it.
class OutputFile {
 public:
  static absl::StatusOr<OutputFile> create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  // More of the contents, for those that are long.
  absl::Status append(std::string_view text);
  // The last of the contents; gives the file its name.
  absl::Status commit(std::string_view text);

 private:
  OutputFile(int fd, std::string path, std::string temporary)
      : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)) {}

  int fd_;
  std::string path_;
  std::string temporary_;  // empty: written in place
};

}  // namespace vmm
