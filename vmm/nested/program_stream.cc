#include "nested/program_stream.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"

namespace vmm {

std::string ProgramStream::feed(absl::string_view bytes) {
  std::string all = std::exchange(held_, {});
  all.append(bytes.data(), bytes.size());
  // The longest end of it with which the mark begins, which may be the whole mark.
  size_t kept = std::min(all.size(), mark_.size());
  while (!absl::StartsWith(mark_, absl::string_view(all).substr(all.size() - kept))) --kept;
  whole_ = kept == mark_.size();
  if (!whole_) held_ = all.substr(all.size() - kept);
  all.resize(all.size() - kept);
  return all;
}

std::string new_stream_mark() {
  std::random_device random;
  std::string mark = "~";
  for (int i = 0; i < 4; ++i) absl::StrAppendFormat(&mark, "%08x", random());
  return mark;
}

}  // namespace vmm
