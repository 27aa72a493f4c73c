// One process of a session: makes workloads, runs them, judges, shrinks.
//
// Workloads come in rounds, whose settings and seeds follow from the session's seed and the round's
// number alone; the worker does every so-many-th round. So a session with several workers does what
// one with a single worker does, in another order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/board.h"
#include "fuzz/corpus.h"
#include "fuzz/laws.h"
#include "fuzz/runner.h"

namespace vmm::fuzz {

struct SessionOptions {
  uint64_t seed = 1;
  std::optional<uint64_t> count;  // of workloads
  std::optional<double> seconds;
  uint64_t jobs = 1;
  uint64_t runs = 2;          // of each workload
  uint64_t operations = 100;  // of each workload
  uint64_t failures = 1;      // after so many the session ends
  bool shrink = true;
  std::string corpus;  // folder; empty: none
  Bed bed;
};

struct Failure {
  Finding finding;
  std::string text;                // of the workload, with comments that say how it was run
  std::string path;                // where it was kept; empty: nowhere
  std::string origin;              // which workload of the session, or which file, it was
  std::vector<std::string> flags;  // of the runs that show it
};

class Worker {
 public:
  Worker(unsigned number, const SessionOptions& options, const GuestMachine& guest, Board& board,
         int failures)
      : number_(number), options_(options), guest_(guest), board_(board), failures_(failures) {}

  // Until the session's end. An error: the host cannot.
  absl::Status run(const std::vector<CorpusEntry>& corpus);

 private:
  absl::Status replay(const CorpusEntry& entry);
  absl::Status round(uint64_t number, uint64_t workloads);
  absl::Status try_workloads(const std::vector<RunPoint>& points, uint64_t first, uint64_t count);
  void try_workload(Runner& runner, uint64_t number);
  std::optional<Finding> judge_program(Runner& runner, std::span<const std::byte> program);
  void report(const std::string& script, const Finding& finding,
              const std::vector<RunPoint>& points, const std::string& origin);
  // The finding becomes that of what is left.
  std::string shrunk(const std::string& text, Finding& finding,
                     const std::vector<RunPoint>& points);
  Tally& tally() { return board_.tallies[number_]; }
  bool stopping() const { return board_.stop.load(std::memory_order_relaxed); }

  const unsigned number_;
  const SessionOptions& options_;
  const GuestMachine& guest_;
  Board& board_;
  const int failures_;  // a socket of packets
};

// A packet for the session.
std::string encode_failure(const Failure& failure);
std::optional<Failure> decode_failure(std::string& bytes);  // takes it off the front

}  // namespace vmm::fuzz
