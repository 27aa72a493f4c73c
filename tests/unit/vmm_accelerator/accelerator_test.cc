// Commands of the accelerator: what it works out, what it reports, and what it refuses.
#include "accelerator/accelerator.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "abi/xen.h"

namespace vmm {
namespace {

using guest_abi::AcceleratorCommand;
using guest_abi::AcceleratorEvent;
using guest_abi::AcceleratorOperation;
using guest_abi::AcceleratorReport;
using pvmmu::Mfn;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kBase = 0x10000000;
constexpr unsigned kPages = 8;
constexpr uint64_t kContext = 5;

class AcceleratorTest : public testing::Test, public AcceleratorHost {
 protected:
  using Words = std::array<uint64_t, kPage / 8>;

  AcceleratorTest() {
    device.start(reinterpret_cast<std::byte*>(&reports));
    EXPECT_EQ(device.open(kContext), 0);
  }

  // AcceleratorHost
  void raise() override { ++raised; }
  void pause(DeviceStep step) override {
    if (at_step) at_step(step);
  }

  static AcceleratorCommand command(AcceleratorOperation operation, uint64_t address,
                                    uint64_t byte_count) {
    AcceleratorCommand made{};
    made.operation = static_cast<uint32_t>(operation);
    made.context = kContext;
    made.address = address;
    made.byte_count = byte_count;
    return made;
  }
  static AcceleratorCommand copy(uint64_t to, uint64_t from, uint64_t byte_count) {
    AcceleratorCommand made = command(AcceleratorOperation::kCopy, to, byte_count);
    made.source = from;
    return made;
  }
  static uint64_t page_at(unsigned page) { return kBase + page * kPage; }

  void establish(unsigned page, bool writable) {
    device.establish({kContext, page_at(page)}, Mfn(page),
                     reinterpret_cast<std::byte*>(&memory[page]), writable);
  }
  // What the device reported of the command with tag 0 since the last time.
  std::optional<AcceleratorEvent> report() {
    if ((reports.pending & 1) == 0) return std::nullopt;
    reports.pending &= ~uint64_t{1};
    return reports.events[0];
  }
  // Answers faults until the command ends.
  AcceleratorEvent run(const AcceleratorCommand& request) {
    EXPECT_EQ(device.submit(request), 0);
    for (;;) {
      EXPECT_TRUE(device.work());
      const auto event = report();
      if (!event) continue;
      if (event->kind == AcceleratorReport::kEnd) return *event;
      ++faults;
      EXPECT_EQ(event->context, kContext);
      establish(static_cast<unsigned>((event->address - kBase) / kPage), event->write == 1);
      EXPECT_EQ(device.resume(0, kContext, 0), 0);
    }
  }

  guest_abi::AcceleratorReports reports{};
  alignas(4096) std::array<Words, kPages> memory{};
  unsigned raised = 0, faults = 0;
  std::function<void(DeviceStep)> at_step;
  Accelerator device{*this};
};

TEST_F(AcceleratorTest, Fills) {
  AcceleratorCommand fill = command(AcceleratorOperation::kFill, page_at(1) + 4000, 200);
  fill.value = 70;
  EXPECT_EQ(run(fill).error, 0u);
  EXPECT_EQ(memory[1][499], 0u);
  EXPECT_EQ(memory[1][500], 70u);
  EXPECT_EQ(memory[1][511], 81u);
  EXPECT_EQ(memory[2][0], 82u);
  EXPECT_EQ(memory[2][12], 94u);
  EXPECT_EQ(memory[2][13], 0u);
  EXPECT_EQ(faults, 2u);
}

TEST_F(AcceleratorTest, CopiesAcrossPagesThatLieDifferently) {
  for (unsigned i = 0; i < 512; ++i) memory[0][i] = i;
  for (unsigned i = 0; i < 512; ++i) memory[1][i] = 512 + i;
  EXPECT_EQ(run(copy(page_at(4) + 800, page_at(0) + 80, 6000)).error, 0u);
  for (unsigned i = 0; i < 750; ++i) {
    const unsigned at = 100 + i;
    ASSERT_EQ(memory[4 + at / 512][at % 512], 10 + i) << i;
  }
  EXPECT_EQ(memory[5][(100 + 750) % 512], 0u);
}

TEST_F(AcceleratorTest, AddsUp) {
  for (unsigned i = 0; i < 512; ++i) memory[3][i] = i;
  const AcceleratorEvent end = run(command(AcceleratorOperation::kChecksum, page_at(3), 2 * kPage));
  EXPECT_EQ(end.result, 512u * 511 / 2);
  EXPECT_EQ(faults, 2u);
}

TEST_F(AcceleratorTest, ComparesAndExchanges) {
  AcceleratorCommand cas = command(AcceleratorOperation::kCompareExchange, page_at(2) + 8, 8);
  cas.value = 0;
  cas.desired = 9;
  EXPECT_EQ(run(cas).result, 0u);
  EXPECT_EQ(memory[2][1], 9u);
  cas.desired = 10;
  EXPECT_EQ(run(cas).result, 9u);
  EXPECT_EQ(memory[2][1], 9u);
}

TEST_F(AcceleratorTest, AnEntryForReadingIsNotEnoughToWrite) {
  establish(0, false);
  ASSERT_EQ(device.submit(command(AcceleratorOperation::kFill, page_at(0), 8)), 0);
  ASSERT_TRUE(device.work());
  const auto fault = report();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, AcceleratorReport::kFault);
  EXPECT_EQ(fault->write, 1u);
  EXPECT_EQ(fault->address, page_at(0));
  EXPECT_FALSE(device.work()) << "it waits for an answer";
  EXPECT_FALSE(device.has_work());
  EXPECT_EQ(device.resume(0, kContext, XEN_EFAULT), 0);
  const auto end = report();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->error, unsigned{XEN_EFAULT});
  EXPECT_EQ(raised, 2u);
}

TEST_F(AcceleratorTest, RefusesBadCommands) {
  const auto refused = [this](AcceleratorCommand bad, auto change) {
    change(bad);
    return -device.submit(bad);
  };
  const AcceleratorCommand good = copy(page_at(0), page_at(2), kPage);
  EXPECT_EQ(refused(good, [](auto& c) { c.operation = 4; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.operation = ~0u; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.tag = guest_abi::kMaxCommands; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.byte_count = 0; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.byte_count = 12; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.address += 4; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.source += 1; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.byte_count = guest_abi::kMaxBytes + 8; }), XEN_E2BIG);
  EXPECT_EQ(refused(good, [](auto& c) { c.byte_count = ~uint64_t{7}; }), XEN_E2BIG);
  EXPECT_EQ(refused(good, [](auto& c) { c.address = ~uint64_t{0} << 47; }), XEN_EFAULT);
  EXPECT_EQ(refused(good, [](auto& c) { c.address = (uint64_t{1} << 47) - 8; }), XEN_EFAULT);
  EXPECT_EQ(refused(good, [](auto& c) { c.source = ~uint64_t{7}; }), XEN_EFAULT);
  EXPECT_EQ(refused(good, [](auto& c) { c.source = c.address + kPage - 8; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.source = c.address - 8; }), XEN_EINVAL);
  EXPECT_EQ(refused(good, [](auto& c) { c.context = 6; }), XEN_ESRCH);
  EXPECT_EQ(refused(command(AcceleratorOperation::kCompareExchange, page_at(0), 16), [](auto&) {}),
            XEN_EINVAL);
  EXPECT_FALSE(device.has_work());
  EXPECT_EQ(device.submit(good), 0);
  EXPECT_EQ(device.submit(good), -XEN_EBUSY);
}

TEST_F(AcceleratorTest, RefusesBadAnswersAndContexts) {
  EXPECT_EQ(device.open(kContext), -XEN_EEXIST);
  EXPECT_EQ(device.open(uint64_t{1} << 32), -XEN_EINVAL);
  EXPECT_EQ(device.close(6), -XEN_ESRCH);
  EXPECT_EQ(device.may_establish(6), -XEN_ESRCH);
  EXPECT_EQ(device.invalidate(6, 0, kPage), -XEN_ESRCH);
  EXPECT_EQ(device.resume(0, 6, 0), -XEN_ESRCH);
  EXPECT_EQ(device.resume(guest_abi::kMaxCommands, kContext, 0), -XEN_EINVAL);
  EXPECT_EQ(device.resume(0, kContext, 0), -XEN_ENOENT) << "nothing waits";
  ASSERT_EQ(device.submit(command(AcceleratorOperation::kFill, page_at(0), 8)), 0);
  EXPECT_EQ(device.resume(0, kContext, 0), -XEN_ENOENT) << "it does not wait yet";
  for (uint64_t i = 100; device.open(i) == 0; ++i) ASSERT_LT(i, 100 + guest_abi::kMaxContexts);
  EXPECT_EQ(device.open(1), -XEN_ENOSPC);
}

TEST_F(AcceleratorTest, AClosedContextIsForgottenWithoutAReport) {
  establish(0, true);
  ASSERT_EQ(device.submit(command(AcceleratorOperation::kFill, page_at(0), 4 * kPage)), 0);
  ASSERT_TRUE(device.work());
  ASSERT_EQ(device.close(kContext), 0);
  EXPECT_FALSE(device.work());
  EXPECT_FALSE(report());
  EXPECT_EQ(device.frames().size(), 1u) << "its reference is to be given back";
  EXPECT_EQ(device.remove_gone().size(), 1u);
  EXPECT_TRUE(device.frames().empty());
  EXPECT_EQ(device.counters().forgotten, 1u);
}

// The heart of it: from the lookup to the end of the access the frame is not gone, although the
// entry is.
TEST_F(AcceleratorTest, AnEntryLeavesWhenItsAccessIsOver) {
  establish(0, true);
  ASSERT_EQ(device.submit(command(AcceleratorOperation::kFill, page_at(0), 2048)), 0);
  unsigned steps = 0;
  at_step = [&](DeviceStep step) {
    if (step != DeviceStep::kTranslated && step != DeviceStep::kAccessed) return;
    ++steps;
    EXPECT_EQ(device.invalidate(kContext, page_at(0), page_at(1)), 0);
    EXPECT_TRUE(device.remove_gone().empty());
    EXPECT_TRUE(device.any_leaving());
    EXPECT_TRUE(device.has_work());
  };
  EXPECT_TRUE(device.work());
  EXPECT_EQ(steps, 2u);
  EXPECT_EQ(device.remove_gone().size(), 1u);
  EXPECT_FALSE(device.any_leaving());
  at_step = nullptr;
  EXPECT_TRUE(device.work());
  const auto fault = report();
  ASSERT_TRUE(fault) << "the second half finds no entry";
  EXPECT_EQ(fault->kind, AcceleratorReport::kFault);
}

// The names of events, in their order.
class Recorder final : public AcceleratorEvents {
 public:
  void submitted(const AcceleratorCommand&) override { add("submitted"); }
  void ended(const AcceleratorCommand&, uint64_t error, uint64_t) override {
    add(error == 0 ? "ended" : "failed");
  }
  void forgotten(const AcceleratorCommand&) override { add("forgotten"); }
  void faulted(const AcceleratorCommand&, uint64_t, bool write, uint64_t) override {
    add(write ? "write fault" : "read fault");
  }
  void access_begins(const AcceleratorCommand&, uint64_t, uint64_t,
                     std::span<const DeviceAccess> places, uint64_t cache_hits) override {
    add("access to " + std::to_string(places[0].frame.raw()));
    hits += cache_hits;
  }
  void access_ends() override { add("access over"); }
  void established(const DeviceAccess&) override { add("established"); }
  void invalidated(uint64_t, uint64_t, uint64_t) override { add("invalidated"); }
  void let_go(Mfn frame) override { add("let go of " + std::to_string(frame.raw())); }

  std::vector<std::string> events;
  uint64_t hits = 0;

 private:
  void add(std::string event) { events.push_back(std::move(event)); }
};

TEST_F(AcceleratorTest, TellsWhatItDoesAsItDoesIt) {
  Recorder recorder;
  device.observe(&recorder);
  at_step = [&](DeviceStep step) {
    if (step != DeviceStep::kTranslated || recorder.events.size() > 6) return;
    EXPECT_EQ(device.invalidate(kContext, page_at(0), page_at(1)), 0);
    EXPECT_TRUE(device.remove_gone().empty());
  };
  EXPECT_EQ(run(command(AcceleratorOperation::kFill, page_at(0), 2048)).error, 0u);
  EXPECT_EQ(device.remove_gone().size(), 1u);
  ASSERT_EQ(device.submit(command(AcceleratorOperation::kFill, page_at(0), 8)), 0);
  EXPECT_EQ(device.close(kContext), 0);
  EXPECT_EQ(recorder.events,
            (std::vector<std::string>{"submitted", "write fault", "established", "access to 0",
                                      "invalidated", "access over", "write fault", "established",
                                      "access to 0", "access over", "ended", "let go of 0",
                                      "submitted", "forgotten"}));
  EXPECT_EQ(recorder.hits, device.counters().cache_hits);
}

TEST_F(AcceleratorTest, AFrameThatIsNotInFlightGoesAtOnce) {
  establish(0, true);
  establish(1, true);
  ASSERT_EQ(device.submit(command(AcceleratorOperation::kFill, page_at(0), 8)), 0);
  at_step = [&](DeviceStep step) {
    if (step != DeviceStep::kTranslated) return;
    EXPECT_EQ(device.invalidate(kContext, page_at(0), page_at(2)), 0);
    EXPECT_EQ(device.remove_gone().size(), 1u);
  };
  EXPECT_TRUE(device.work());
  EXPECT_EQ(device.remove_gone().size(), 1u);
}

TEST_F(AcceleratorTest, ACommandThatIsForgottenDuringItsAccessIsNotReported) {
  establish(0, true);
  ASSERT_EQ(device.submit(command(AcceleratorOperation::kFill, page_at(0), 8)), 0);
  at_step = [&](DeviceStep step) {
    if (step != DeviceStep::kAccessed) return;
    EXPECT_EQ(device.close(kContext), 0);
  };
  EXPECT_TRUE(device.work());
  EXPECT_FALSE(report());
  EXPECT_EQ(device.counters().ended, 0u);
}

TEST_F(AcceleratorTest, SaysWhichPagesItUsed) {
  for (unsigned page = 0; page < 4; ++page) establish(page, true);
  run(command(AcceleratorOperation::kChecksum, page_at(1), 2 * kPage));
  uint64_t young[1] = {};
  EXPECT_EQ(device.clear_young(kContext, page_at(0), page_at(4), young), 0);
  EXPECT_EQ(young[0], 6u);
  young[0] = 0;
  EXPECT_EQ(device.clear_young(kContext, page_at(0), page_at(4), young), 0);
  EXPECT_EQ(young[0], 0u);
  EXPECT_EQ(device.clear_young(6, 0, kPage, young), -XEN_ESRCH);
}

TEST_F(AcceleratorTest, HasRoomForSoManyEntriesAndDropsOthers) {
  for (uint64_t i = 0; i < guest_abi::kMaxEntries + 3; ++i) {
    device.establish({kContext, kBase + i * kPage}, Mfn(i), nullptr, true);
  }
  EXPECT_EQ(device.remove_gone().size(), 3u);
  EXPECT_EQ(device.frames().size(), guest_abi::kMaxEntries);
}

TEST_F(AcceleratorTest, CommandsTakeTurns) {
  for (unsigned page = 0; page < 4; ++page) establish(page, true);
  AcceleratorCommand first = command(AcceleratorOperation::kFill, page_at(0), kPage);
  AcceleratorCommand second = command(AcceleratorOperation::kFill, page_at(1), 8);
  first.value = second.value = 1;
  second.tag = 1;
  ASSERT_EQ(device.submit(first), 0);
  ASSERT_EQ(device.submit(second), 0);
  EXPECT_TRUE(device.work());
  EXPECT_TRUE(device.work());
  EXPECT_EQ(reports.pending, 2u) << "the short one does not wait for the long one";
}

}  // namespace
}  // namespace vmm
