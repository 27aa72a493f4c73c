// A machine below the hypercalls that records what was asked of it, and a guest to call them from.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "hypercalls/hypercalls.h"

namespace vmm {

constexpr VcpuId kVcpu0{0};
constexpr VcpuId kVcpu1{1};

// 64 KiB of guest memory at kGuestBase; the last page is read-only, everything else faults.
class FakeAccess final : public GuestAccess {
 public:
  static constexpr uint64_t kGuestBase = 0x10000;
  static constexpr uint64_t kReadOnly = 0x1f000;
  static constexpr uint64_t kEnd = 0x20000;

  bool read(pvmmu::LinearAddr from, void* to, size_t size) override;
  bool write(pvmmu::LinearAddr to, const void* from, size_t size) override;

  template <typename T>
  T get(uint64_t address) {
    T value{};
    EXPECT_TRUE(read(pvmmu::LinearAddr(address), &value, sizeof value));
    return value;
  }
  // Puts a value at a fixed place and returns the place.
  template <typename T>
  uint64_t put(const T& value, uint64_t address = kGuestBase) {
    EXPECT_TRUE(write(pvmmu::LinearAddr(address), &value, sizeof value));
    return address;
  }

 private:
  bool inside(uint64_t address, size_t size, uint64_t end) const;

  std::array<std::byte, kEnd - kGuestBase> memory_{};
};

class FakeFrames final : public FrameReferences {
 public:
  static constexpr uint64_t kTableFrame = 666;  // never writable

  std::byte* get_writable(pvmmu::Mfn frame, VcpuId vcpu, const char* operation) override;
  void put_writable(pvmmu::Mfn frame) override;
  int references() const { return references_; }

 private:
  std::map<pvmmu::Mfn, std::array<std::byte, 4096>> frames_;
  int references_ = 0;
};

class FakeVcpus final : public VcpuControl {
 public:
  void notify_event(VcpuId vcpu) override { notified[vcpu_index(vcpu)]++; }
  int initialise(VcpuId vcpu, const vcpu_guest_context_t& context) override;
  void up(VcpuId vcpu) override { running[vcpu_index(vcpu)] = true; }
  void down(VcpuId vcpu) override { running[vcpu_index(vcpu)] = false; }
  bool is_up(VcpuId vcpu) override { return running[vcpu_index(vcpu)]; }

  std::array<std::atomic<int>, 64> notified{};
  std::array<std::atomic<bool>, 64> running{};
  std::vector<std::pair<unsigned, uint64_t>> initialised;  // vCPU and its rip
  int initialise_result = 0;
};

class FakeClock final : public Clock {
 public:
  uint64_t now() override { return time; }
  ClockReading reading(VcpuId vcpu) override { return {time, 10 * time + vcpu_index(vcpu)}; }
  uint64_t tsc_hz() override { return 2'500'000'000; }
  uint64_t wall_nanoseconds_at_boot() override { return 0x1'2345'6789 * 1'000'000'000 + 42; }

  std::atomic<uint64_t> time{1'000};
};

class FakeTimers final : public Timers {
 public:
  void set_timer(VcpuId vcpu, uint64_t deadline) override {
    deadlines[vcpu_index(vcpu)] = deadline;
  }
  void stop_timer(VcpuId vcpu) override { deadlines.erase(vcpu_index(vcpu)); }

  std::map<unsigned, uint64_t> deadlines;
};

class FakeConsole final : public Console {
 public:
  void write(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    text += bytes;
  }

  std::string text;

 private:
  std::mutex mutex_;
};

// The hypercalls of a domain with two vCPUs (unless told otherwise), and everything around them.
class HypercallTest : public testing::Test {
 protected:
  static constexpr uint64_t kRingFrame = 4242;

  explicit HypercallTest(unsigned vcpu_count = 2);

  // The result, -ENOSYS for calls that are handed back.
  int64_t call(unsigned number, uint64_t arg0 = 0, uint64_t arg1 = 0, uint64_t arg2 = 0,
               VcpuId vcpu = kVcpu0);
  HypercallOutcome outcome(unsigned number, uint64_t arg0 = 0, uint64_t arg1 = 0, uint64_t arg2 = 0,
                           VcpuId vcpu = kVcpu0);

  int64_t event_op(unsigned operation, uint64_t argument, VcpuId vcpu = kVcpu0);
  evtchn_port_t bind_ipi(unsigned vcpu);
  evtchn_port_t bind_virq(unsigned virq, unsigned vcpu);
  int64_t send(evtchn_port_t port);
  void mask(evtchn_port_t port);
  bool pending(evtchn_port_t port) const;
  vcpu_info_t& info(unsigned vcpu) { return shared.vcpu_info[vcpu]; }

  static constexpr unsigned kSchedOp = 29;
  static constexpr unsigned kSchedOpCompat = 6;
  static constexpr unsigned kEventChannelOp = 32;
  static constexpr unsigned kEventChannelOpCompat = 16;
  static constexpr unsigned kPhysdevOp = 33;

  FakeAccess access;
  FakeFrames frames;
  FakeVcpus vcpus;
  FakeClock clock;
  FakeTimers timers;
  FakeConsole console;
  alignas(4096) shared_info_t shared{};
  Hypercalls hypercalls;
};

}  // namespace vmm
