// A trace on its way into its file: one JSON object whose list of events is written as they come,
// so that a long run needs no memory for it. Nothing stands at its place before close().
//
// After a failed write nothing more is written, and close() says why.
#pragma once

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "stats/stats_output.h"
#include "sync/ranked_mutex.h"

namespace vmm {

class TraceFile {
 public:
  // `facts` is what the trace says of the run as a whole ("otherData").
  TraceFile(OutputFile file, const nlohmann::ordered_json& facts);

  // The text of one event, or of several with ",\n" between them. Any thread.
  void add(absl::string_view events);
  // Any thread.
  bool failed() const { return failed_.load(); }
  absl::Status close();

 private:
  void flush();

  RankedMutex<LockRank::kTrace> mutex_;  // all below
  OutputFile file_;
  std::string buffer_;
  bool first_ = true;
  absl::Status status_;
  std::atomic<bool> failed_{false};  // as status_
};

}  // namespace vmm
