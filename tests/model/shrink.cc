#include "shrink.h"

#include <algorithm>

namespace pvmmu::model {

namespace {

class Shrinker {
 public:
  Shrinker(Scenario scenario, const std::function<bool(const Scenario&)>& fails, unsigned most_runs)
      : best_(std::move(scenario)), fails_(fails), runs_left_(most_runs) {}

  Scenario shrink() {
    for (bool smaller = true; smaller && runs_left_ != 0;) {
      smaller = drop_steps();
      smaller = drop_requests() || smaller;
      smaller = simplify_fields() || smaller;
    }
    return best_;
  }

 private:
  bool try_this(Scenario candidate) {
    if (runs_left_ == 0) return false;
    --runs_left_;
    if (!fails_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  // Halves first, single steps at the end. From the back, since what fails is there.
  bool drop_steps() {
    bool dropped = false;
    for (size_t size = std::max<size_t>(best_.steps.size() / 2, 1); size != 0; size /= 2) {
      for (size_t end = best_.steps.size(); end >= size && end != 0;) {
        Scenario candidate = best_;
        const auto first = candidate.steps.begin() + static_cast<ptrdiff_t>(end - size);
        candidate.steps.erase(first, first + static_cast<ptrdiff_t>(size));
        if (try_this(std::move(candidate))) dropped = true;
        end = std::min(end - std::min(end, size), best_.steps.size());
      }
    }
    return dropped;
  }

  bool drop_requests() {
    bool dropped = false;
    for (size_t at = 0; at < best_.steps.size(); ++at) {
      for (size_t i = best_.steps[at].requests.size(); i-- != 0;) {
        Scenario candidate = best_;
        Step& step = candidate.steps[at];
        step.requests.erase(step.requests.begin() + static_cast<ptrdiff_t>(i));
        if (step.count == step.requests.size() + 1) --step.count;
        if (try_this(std::move(candidate))) dropped = true;
      }
    }
    return dropped;
  }

  bool simplify_fields() {
    bool changed = false;
    for (size_t at = 0; at < best_.steps.size(); ++at) {
      const Step usual;
      changed = set(at, [&](Step& step) { step.race = Race{}; }) || changed;
      changed = set(at, [&](Step& step) { step.array = usual.array; }) || changed;
      changed = set(at, [&](Step& step) { step.done = 0; }) || changed;
      changed = set(at, [&](Step& step) { step.foreigndom = usual.foreigndom; }) || changed;
      changed = set(at, [&](Step& step) { step.flags = 0; }) || changed;
      changed = set(at, [&](Step& step) { step.vcpu = 0; }) || changed;
      changed = set(at, [&](Step& step) { step.user = false; }) || changed;
    }
    return changed;
  }

  template <typename Change>
  bool set(size_t at, const Change& change) {
    if (at >= best_.steps.size()) return false;
    Scenario candidate = best_;
    change(candidate.steps[at]);
    const Step& before = best_.steps[at];
    const Step& after = candidate.steps[at];
    const bool same = before.race == after.race && before.array == after.array &&
                      before.done == after.done && before.foreigndom == after.foreigndom &&
                      before.flags == after.flags && before.vcpu == after.vcpu &&
                      before.user == after.user;
    return !same && try_this(std::move(candidate));
  }

  Scenario best_;
  const std::function<bool(const Scenario&)>& fails_;
  unsigned runs_left_;
};

}  // namespace

Scenario shrink(Scenario scenario, const std::function<bool(const Scenario&)>& fails,
                unsigned most_runs) {
  return Shrinker(std::move(scenario), fails, most_runs).shrink();
}

}  // namespace pvmmu::model
