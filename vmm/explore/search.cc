#include "explore/search.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "explore/shrink.h"
#include "sim/random.h"

namespace vmm::explore {
namespace {

using Clock = std::chrono::steady_clock;

// Of schedules that wait for their round.
constexpr size_t kMostWaiting = size_t{1} << 24;
constexpr auto kShrinkPatience = std::chrono::seconds(60);
constexpr auto kBetweenReports = std::chrono::milliseconds(200);
// Runs of the first round go in order.
constexpr size_t kFirstShuffled = 2;

struct Task {
  Plan plan;
  size_t round = 0;
};

class Search {
 public:
  Search(const SearchOptions& options, const SearchCalls& calls)
      : options_(options),
        calls_(calls),
        order_(options.seed),
        seeds_(~options.seed),
        last_round_(options.bound),
        walks_(options.walks) {
    waiting_.push_back({});
    totals_.rounds.push_back({1, 0});
  }

  SearchResult run() {
    std::thread reporter([this] { report(); });
    work_all();
    shrink();
    while (look_for_shorter()) {
      work_all();
      shrink();
    }
    {
      std::lock_guard lock(mutex_);
      finished_ = true;
    }
    changed_.notify_all();
    reporter.join();
    totals_.seconds = seconds();
    return {totals_, std::move(failure_), interrupted_, std::move(cannot_)};
  }

 private:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  void report() {
    std::unique_lock lock(mutex_);
    while (!finished_) {
      changed_.wait_for(lock, kBetweenReports);
      totals_.seconds = seconds();
      if (calls_.interrupted()) {
        interrupted_ = true;
        stop_ = true;
        changed_.notify_all();
      }
      calls_.progress(totals_);
    }
  }

  void work_all() {
    std::vector<std::thread> others;
    for (unsigned job = 1; job < options_.jobs; ++job)
      others.emplace_back([this, job] { work(job); });
    work(0);
    for (std::thread& other : others) other.join();
  }

  void work(unsigned job) {
    while (std::optional<Task> task = next()) {
      const RunRecord record = calls_.run(job, task->plan);
      note(*task, record);
    }
  }

  // Waits for a schedule while others are at work that may lead to some. Nothing: the end.
  std::optional<Task> next() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (over()) return std::nullopt;
      const bool systematic = !waiting_.empty();
      if (may_walk() && (!systematic || started_ % 2 == 1)) return begin(walk());
      if (systematic) return begin(take());
      if (at_work_ == 0) {
        if (next_round()) continue;
        if (!walks_) return std::nullopt;
        exhausted_ = true;
        continue;
      }
      changed_.wait(lock);
    }
  }

  bool over() const {
    return stop_ || failed_ || !cannot_.empty() ||
           (options_.count && started_ >= *options_.count) ||
           (options_.seconds && seconds() >= *options_.seconds);
  }
  // Walks come once the round of single switches is over.
  bool may_walk() const { return walks_ && (exhausted_ || round_ >= kFirstShuffled); }

  Task begin(Task task) {
    ++started_;
    ++at_work_;
    return task;
  }

  Task walk() {
    Task task;
    task.plan.walk = seeds_.next() | 1;
    task.round = options_.bound + 1;
    return task;
  }

  Task take() {
    Task task;
    task.plan.switches = std::move(waiting_.back());
    waiting_.pop_back();
    task.plan.switches_left = static_cast<int>(options_.bound - task.plan.switches.size());
    task.round = round_;
    return task;
  }

  // What the runs of one round led to is the next one.
  bool next_round() {
    if (coming_.empty() || round_ == last_round_) return false;
    ++round_;
    waiting_ = std::move(coming_);
    coming_.clear();
    if (round_ >= kFirstShuffled) {
      for (size_t i = waiting_.size(); i > 1; --i)
        std::swap(waiting_[i - 1], waiting_[order_.below(i)]);
    } else {
      std::sort(waiting_.rbegin(), waiting_.rend());
    }
    return true;
  }

  void note(const Task& task, const RunRecord& record) {
    std::lock_guard lock(mutex_);
    --at_work_;
    totals_.points += record.points.size();
    totals_.longest = std::max<uint64_t>(totals_.longest, record.points.size());
    const bool walked = task.plan.walk != 0;
    ++(walked ? totals_.walks : totals_.rounds[task.round].tried);
    if (record.verdict == Verdict::kKnown) ++totals_.known;
    if (record.verdict == Verdict::kCannot && cannot_.empty()) cannot_ = record.what;
    if (is_failure(record.verdict)) note_failure(record, walked);
    if (!walked && task.round < options_.bound) expect_children(task, record);
    changed_.notify_all();
  }

  // Of several that fail at once the one with the fewest switches is what failed.
  void note_failure(const RunRecord& record, bool by_chance) {
    if (!failure_) {
      failure_ = FoundFailure{.found = record,
                              .shortest = {},
                              .after = totals_.tried(),
                              .seconds = seconds(),
                              .by_chance = by_chance};
    }
    if (!failed_ || record.schedule().size() < failed_->schedule().size()) failed_ = record;
  }

  // Wherever another turn could have gone on, behind the last switch.
  void expect_children(const Task& task, const RunRecord& record) {
    if (totals_.rounds.size() == task.round + 1) totals_.rounds.push_back({});
    const Schedule& made = task.plan.switches;
    const size_t from = made.empty() ? 0 : made.back().point + 1;
    for (size_t i = from; i < record.points.size(); ++i) {
      const PassedPoint& point = record.points[i];
      for (uint32_t others = point.able & ~(1u << point.chosen); others != 0;
           others &= others - 1) {
        ++totals_.rounds[task.round + 1].schedules;
        if (coming_.size() >= kMostWaiting) continue;
        coming_.push_back(made);
        coming_.back().push_back(
            {static_cast<uint32_t>(i), static_cast<uint32_t>(std::countr_zero(others))});
      }
    }
  }

  // What failed last.
  void shrink() {
    if (!failed_) return;
    failure_->shortest = *failed_;
    if (!options_.shrink) return;
    const auto deadline = Clock::now() + kShrinkPatience;
    const uint64_t before = totals_.shrinking;
    ShrinkCalls calls;
    calls.run = [this](const Plan& plan) { return calls_.run(0, plan); };
    calls.gives_up = [&] {
      std::lock_guard lock(mutex_);
      return stop_ || Clock::now() > deadline;
    };
    calls.progress = [&](uint64_t runs, size_t switches) {
      std::lock_guard lock(mutex_);
      totals_.shrinking = before + runs;
      totals_.switches_left = switches;
    };
    Shrunk shrunk = explore::shrink(*failed_, totals_.all_below(), calls);
    std::lock_guard lock(mutex_);
    totals_.switches_left.reset();
    failure_->shortest = std::move(shrunk.record);
    failure_->minimal = shrunk.minimal;
  }

  // Whether rounds are left in which there may be a shorter one than that which failed last.
  bool look_for_shorter() {
    std::lock_guard lock(mutex_);
    if (!options_.shortest || !failed_) return false;
    failed_.reset();
    walks_ = false;
    const size_t switches = failure_->shortest.schedule().size();
    if (switches <= totals_.all_below()) return false;
    last_round_ = std::min<size_t>(last_round_, switches - 1);
    return !over();
  }

  const SearchOptions& options_;
  const SearchCalls& calls_;
  const Clock::time_point start_ = Clock::now();
  Random order_, seeds_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Schedule> waiting_, coming_;  // of this round, taken from the back; of the next
  size_t round_ = 0;
  size_t last_round_;
  bool walks_;
  uint64_t started_ = 0;
  unsigned at_work_ = 0;
  bool exhausted_ = false, stop_ = false, finished_ = false, interrupted_ = false;
  SearchTotals totals_;
  std::optional<RunRecord> failed_;  // nobody tries anything more
  std::optional<FoundFailure> failure_;
  std::string cannot_;
};

}  // namespace

SearchResult search(const SearchOptions& options, const SearchCalls& calls) {
  return Search(options, calls).run();
}

}  // namespace vmm::explore
