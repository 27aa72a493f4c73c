// Random system calls and accesses of a few processes and of a secondary MMU for each, held against
// a naive model of what memory must contain, and under the rule checker. The seed is in the name of
// the failure; every mode runs the same sequences.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "guest_abi/syscall.h"
#include "mm_fake_machine.h"
#include "mm_fake_secondary.h"

namespace kernel::test {
namespace {

constexpr uint64_t kPage = 0x1000;
// Two stretches around borders of L1 tables and of an L2 table.
constexpr uint64_t kStretchPages = 24;
constexpr uint64_t kStretches[] = {0x40000000 - 12 * kPage, 0x10200000 - 12 * kPage};

struct ModelPage {
  std::shared_ptr<uint64_t> value;  // shared by the processes that see the same memory
  uint64_t prot = 0;
  bool shared = false;
  bool file = false;
};
using Model = std::map<uint64_t, ModelPage>;  // by address, what is mapped

struct Process {
  Mm* mm = nullptr;
  Model model;
  std::unique_ptr<FakeSecondary> secondary;
};

class RandomRun {
 public:
  RandomRun(Mode mode, bool split_ptl, unsigned seed) : random_(seed) {
    Options options;
    options.mode = mode;
    options.split_ptl = split_ptl;
    options.rules = {guest_abi::kAllPteModels, true};
    machine_.start(options);
    static std::vector<uint64_t> storage(pte_rules::kStoragePages * kPage / sizeof(uint64_t));
    std::fill(storage.begin(), storage.end(), 0);
    pte_rules::start(options.rules, storage.data(), storage.size() * sizeof(uint64_t));
    add_process(mm_create(), {});
  }
  ~RandomRun() {
    mm_deactivate(0);
    for (const Process& process : processes_) {
      mm_put(*process.mm);
    }
    pte_rules::stop();
    for (unsigned rule = 1; rule < guest_abi::kPteRuleCount; ++rule) {
      EXPECT_EQ(machine_.rules().breaches[rule], excused_[rule]) << machine_.console();
    }
    EXPECT_EQ(machine_.rules().events_not_judged, 0u);
  }

  void step() {
    take_step();
    mm_before_events_open();
    for (const Process& process : processes_) {
      process.secondary->check();
    }
  }

 private:
  void take_step() {
    Process& process = processes_[pick(processes_.size())];
    mm_activate(*process.mm, 0);
    switch (pick(27)) {
      case 0:
        return map(process);
      case 1:
        return unmap(process);
      case 2:
      case 3:
        return protect(process);
      case 4:
        return forget(process);
      case 5:
        return populate(process);
      case 6:
        return fork(process);
      case 7:
        return exit(process);
      case 8:
        return age(process);
      case 9:
      case 10:
        return swap_out(process);
      case 11:
        return move(process);
      case 12:
        return write_back(process);
      case 13:
      case 14:
      case 15:
      case 16:
      case 17:
        return access_by_secondary(process);
      default:
        return access(process);
    }
  }

  struct Span {
    uint64_t start;
    uint64_t pages;
  };

  void add_process(Mm* mm, Model model) {
    processes_.push_back({mm, std::move(model), std::make_unique<FakeSecondary>(*mm)});
  }

  uint64_t pick(uint64_t count) { return random_() % count; }
  Span pick_span() {
    const uint64_t first = pick(kStretchPages);
    return {kStretches[pick(2)] + first * kPage, 1 + pick(kStretchPages - first)};
  }
  uint64_t pick_prot() {
    const uint64_t prots[] = {0, guest_abi::kProtRead, guest_abi::kProtRead | guest_abi::kProtWrite,
                              guest_abi::kProtRead | guest_abi::kProtWrite};
    return prots[pick(4)];
  }
  template <typename Visit>
  void each(const Span& span, Visit visit) {
    for (uint64_t page = 0; page < span.pages; ++page) {
      visit(span.start + page * kPage);
    }
  }
  bool covered(const Process& process, const Span& span) {
    bool all = true;
    each(span, [&](uint64_t at) { all = all && process.model.contains(at); });
    return all;
  }

  void map(Process& process) {
    const Span span = pick_span();
    const uint64_t prot = pick_prot();
    const uint64_t backings[] = {guest_abi::kMapPrivate, guest_abi::kMapPrivate,
                                 guest_abi::kMapShared, guest_abi::kMapFile, guest_abi::kMapDevice};
    const uint64_t backing = backings[pick(5)];
    ASSERT_EQ(
        sys_mmap(*process.mm, span.start, span.pages * kPage, prot, guest_abi::kMapFixed | backing),
        static_cast<int64_t>(span.start));
    each(span, [&](uint64_t at) {
      std::shared_ptr<uint64_t> value = std::make_shared<uint64_t>(0);
      if (backing == guest_abi::kMapDevice) {
        std::shared_ptr<uint64_t>& device = device_[(at - span.start) / kPage];
        if (device == nullptr) {
          // What a test before this one left there.
          device = value;
          device_is_new_.insert(value.get());
        }
        value = device;
      }
      process.model[at] = {value, prot, backing != guest_abi::kMapPrivate};
      process.model[at].file = backing == guest_abi::kMapFile;
    });
  }

  void unmap(Process& process) {
    const Span span = pick_span();
    ASSERT_EQ(sys_munmap(*process.mm, span.start, span.pages * kPage), 0);
    each(span, [&](uint64_t at) { process.model.erase(at); });
  }

  // Breaks rules on purpose: what it breaks is not held against the kernel.
  int64_t protect_naive(Mm& mm, uint64_t start, uint64_t length, uint64_t prot) {
    const guest_abi::PteRuleReport before = machine_.rules();
    const int64_t result = sys_mprotect_naive(mm, start, length, prot);
    for (unsigned rule : {3u, 9u, 18u}) {
      excused_[rule] += machine_.rules().breaches[rule] - before.breaches[rule];
    }
    return result;
  }

  void protect(Process& process) {
    const Span span = pick_span();
    const uint64_t prot = pick_prot();
    const bool naive = pick(4) == 0;
    const int64_t result = naive ? protect_naive(*process.mm, span.start, span.pages * kPage, prot)
                                 : sys_mprotect(*process.mm, span.start, span.pages * kPage, prot);
    ASSERT_EQ(result, covered(process, span) ? 0 : -12);
    bool reached = true;  // up to the first hole it was done
    each(span, [&](uint64_t at) {
      const auto page = process.model.find(at);
      reached = reached && page != process.model.end();
      if (reached) {
        page->second.prot = prot;
      }
    });
  }

  void forget(Process& process) {
    const Span span = pick_span();
    const int64_t result = sys_madvise_dontneed(*process.mm, span.start, span.pages * kPage);
    ASSERT_EQ(result, covered(process, span) ? 0 : -12);
    each(span, [&](uint64_t at) {
      const auto page = process.model.find(at);
      if (page != process.model.end() && !page->second.shared) {
        page->second.value = std::make_shared<uint64_t>(0);
      }
    });
  }

  void populate(Process& process) {
    const Span span = pick_span();
    const int64_t result = sys_populate(*process.mm, span.start, span.pages * kPage, 0);
    if (!covered(process, span)) {
      ASSERT_EQ(result, -12);
    }
  }

  void fork(Process& process) {
    if (processes_.size() == 4) {
      return;
    }
    Mm* child = mm_fork(*process.mm);
    ASSERT_NE(child, nullptr);
    Model model = process.model;
    for (auto& [at, page] : model) {
      if (!page.shared) {
        page.value = std::make_shared<uint64_t>(*page.value);
      }
    }
    add_process(child, std::move(model));
  }

  void exit(Process& process) {
    if (processes_.size() == 1) {
      return;
    }
    mm_deactivate(0);
    mm_put(*process.mm);
    process.secondary.reset();
    std::swap(process, processes_.back());
    processes_.pop_back();
  }

  void age(Process& process) {
    const Span span = pick_span();
    if (pick(2) == 0) {
      ASSERT_EQ(sys_clear_refs(*process.mm, span.start, span.pages * kPage), 0);
    }
    const int64_t young = sys_test_and_clear_young(*process.mm, span.start, span.pages * kPage);
    ASSERT_LE(young, static_cast<int64_t>(span.pages));
    ASSERT_EQ(sys_test_and_clear_young(*process.mm, span.start, span.pages * kPage), 0);
  }

  void swap_out(Process& process) {
    const Span span = pick_span();
    const int64_t result = sys_swap_out(*process.mm, span.start, span.pages * kPage);
    ASSERT_EQ(result, covered(process, span) ? 0 : -12);
  }

  void move(Process& process) {
    const Span span = pick_span();
    const uint64_t to = kStretches[pick(2)] + pick(kStretchPages - span.pages + 1) * kPage;
    const uint64_t length = span.pages * kPage;
    const int64_t result = sys_mremap(*process.mm, span.start, length, to);
    if (result == static_cast<int64_t>(to)) {
      each(span, [&](uint64_t at) {
        ASSERT_TRUE(process.model.contains(at));
        process.model[to + (at - span.start)] = process.model[at];
        process.model.erase(at);
      });
    } else if (to < span.start + length && span.start < to + length) {
      ASSERT_EQ(result, -22);
    } else {
      ASSERT_EQ(result, -14);  // a hole, or more than one mapping
    }
  }

  void write_back(Process& process) {
    const Span span = pick_span();
    const int64_t result = sys_writeback(*process.mm, span.start, span.pages * kPage);
    ASSERT_EQ(result, covered(process, span) ? 0 : -12);
    each(span, [&](uint64_t at) {
      const auto page = process.model.find(at);
      if (page == process.model.end() || !page->second.file) {
        return;
      }
      // In whatever process maps it.
      for (const Process& other : processes_) {
        for (const auto& [place, mapped] : other.model) {
          if (mapped.value == page->second.value) {
            const auto state = static_cast<uint64_t>(sys_pte_query(*other.mm, place));
            ASSERT_EQ(state & (guest_abi::kPteStateWritable | guest_abi::kPteStateDirty |
                               guest_abi::kPteStatePageDirty),
                      0u);
          }
        }
      }
    });
  }

  void access(Process& process) {
    const Span span = pick_span();
    const bool is_write = pick(2) == 0;
    const uint64_t value = random_();
    const auto page = process.model.find(span.start);
    const uint64_t prot = page == process.model.end() ? 0 : page->second.prot;
    const bool allowed = is_write ? (prot & guest_abi::kProtWrite) != 0 : prot != 0;
    std::optional<uint64_t> seen;
    try {
      if (is_write) {
        machine_.write(*process.mm, span.start, value);
        *page->second.value = value;
      }
      seen = machine_.read(*process.mm, span.start);
    } catch (const SegmentationFault&) {
      ASSERT_FALSE(allowed);
      return;
    }
    ASSERT_TRUE(allowed);
    if (device_is_new_.erase(page->second.value.get()) != 0 && !is_write) {
      *page->second.value = *seen;
    }
    ASSERT_EQ(*seen, *page->second.value);
    const uint64_t state = static_cast<uint64_t>(sys_pte_query(*process.mm, span.start));
    ASSERT_NE(state & guest_abi::kPteStateAccessed, 0u);
    ASSERT_TRUE(!is_write || (state & guest_abi::kPteStateDirty) != 0);
    ASSERT_TRUE(!is_write || !page->second.file || (state & guest_abi::kPteStatePageDirty) != 0);
    ASSERT_TRUE(!page->second.file || (state & guest_abi::kPteStateWritable) == 0 ||
                (state & guest_abi::kPteStatePageDirty) != 0);
  }

  // As the process could, but for a driver's frames.
  void access_by_secondary(Process& process) {
    const Span span = pick_span();
    const bool is_write = pick(2) == 0;
    const auto page = process.model.find(span.start);
    const uint64_t prot = page == process.model.end() ? 0 : page->second.prot;
    const bool is_device = page != process.model.end() && is_device_page(*page->second.value);
    const bool allowed = (is_write ? (prot & guest_abi::kProtWrite) != 0 : prot != 0) && !is_device;
    try {
      if (is_write) {
        const uint64_t value = random_();
        process.secondary->write(span.start, value);
        *page->second.value = value;
      } else {
        ASSERT_EQ(process.secondary->read(span.start), *page->second.value);
      }
    } catch (const SegmentationFault&) {
      ASSERT_FALSE(allowed);
      return;
    }
    ASSERT_TRUE(allowed);
    const uint64_t state = static_cast<uint64_t>(sys_pte_query(*process.mm, span.start));
    ASSERT_TRUE(!is_write || (state & guest_abi::kPteStateDirty) != 0);
    ASSERT_TRUE(!is_write || !page->second.file || (state & guest_abi::kPteStatePageDirty) != 0);
  }

  bool is_device_page(const uint64_t& value) const {
    return std::ranges::any_of(device_,
                               [&](const auto& page) { return page.second.get() == &value; });
  }

  FakeMachine& machine_ = FakeMachine::instance();
  std::mt19937_64 random_;
  std::vector<Process> processes_;
  uint64_t excused_[guest_abi::kPteRuleCount] = {};
  // The device's pages, and those of them whose contents are not known yet.
  std::map<uint64_t, std::shared_ptr<uint64_t>> device_;
  std::set<uint64_t*> device_is_new_;
};

// More than a test run has time for, if somebody asks.
unsigned seed_count() {
  const char* wanted = std::getenv("PVMMU_MM_SEEDS");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 10;
}

struct Setting {
  Mode mode;
  bool split_ptl;
};

class RandomTest : public testing::TestWithParam<Setting> {};

TEST_P(RandomTest, MemoryIsWhatTheModelSays) {
  { RandomRun warm_up(GetParam().mode, GetParam().split_ptl, 0); }
  for (unsigned seed = 1; seed <= seed_count(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(GetParam().mode, GetParam().split_ptl, seed);
    for (unsigned i = 0; i < 1000 && !HasFatalFailure(); ++i) {
      run.step();
    }
  }
  EXPECT_EQ(used_frame_count(), 0u) << "frames leaked";
  EXPECT_FALSE(mm_leaks().any());
  EXPECT_EQ(table_locks_held(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Modes, RandomTest,
                         testing::Values(Setting{Mode::kEmulate, true},
                                         Setting{Mode::kSingle, true}, Setting{Mode::kLazy, true},
                                         Setting{Mode::kBatched, true},
                                         Setting{Mode::kBatched, false}, Setting{Mode::kBest, true},
                                         Setting{Mode::kBest, false}),
                         [](const testing::TestParamInfo<Setting>& setting) {
                           return std::string(mode_name(setting.param.mode)) +
                                  (setting.param.split_ptl ? "Split" : "Unsplit");
                         });

}  // namespace
}  // namespace kernel::test
