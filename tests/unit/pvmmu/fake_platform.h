// A machine for tests: memory in an array, and a history of everything the MMU asked of it.
//
// Entries are atomics, so that a test may let a second thread play the processor that sets Accessed
// and Dirty. before_exchange, if set, runs before every compare-exchange and may change the entry,
// which makes the same race happen on purpose.
#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/pte.h"
#include "pvmmu/platform.h"

namespace pvmmu::testing {

struct Event {
  enum class Kind { kRead, kExchange, kChanged, kBecomesTable, kFlush, kWriteBytes, kM2p };
  Kind kind{};
  Mfn frame{};
  unsigned slot = 0;
  uint64_t before = 0;
  uint64_t after = 0;
  VcpuMask vcpus = 0;
  TlbFlush flush{};
};

class FakePlatform final : public Platform {
 public:
  static constexpr uint64_t kHypervisorEntry = (uint64_t{2} << kPageShift) | 0x63;  // frame 2, RW

  // Preemption: as Platform::allow_steps; none by default.
  std::function<uint32_t(bool resumed, uint64_t steps)> allow;

  explicit FakePlatform(size_t frame_count, unsigned vcpu_count)
      : frame_count_(frame_count),
        vcpus_(vcpu_count == 64 ? ~VcpuMask{0} : (VcpuMask{1} << vcpu_count) - 1),
        memory_(new std::atomic<uint64_t>[frame_count * kEntriesPerTable]()) {}

  uint64_t read_entry(Mfn table, unsigned index) override {
    if (log_reads) history.push_back({.kind = Event::Kind::kRead, .frame = table, .slot = index});
    return cell(table, index).load();
  }
  bool compare_exchange_entry(Mfn table, unsigned index, uint64_t& expected,
                              uint64_t desired) override {
    if (before_exchange) before_exchange(table, index);
    const uint64_t before = expected;
    if (!cell(table, index).compare_exchange_strong(expected, desired)) return false;
    history.push_back({.kind = Event::Kind::kExchange,
                       .frame = table,
                       .slot = index,
                       .before = before,
                       .after = desired});
    return true;
  }
  // What a device says that it has entries for.
  std::vector<Mfn> device_entries;
  std::span<const Mfn> device_frames() override { return device_entries; }
  void read_bytes(Maddr from, void* to, size_t size) override {
    check_inside(from, size);
    std::memcpy(to, bytes(from), size);
  }
  void write_bytes(Maddr to, const void* from, size_t size) override {
    check_inside(to, size);
    std::memcpy(bytes(to), from, size);
    history.push_back({.kind = Event::Kind::kWriteBytes, .frame = to.frame()});
  }
  void write_m2p(Mfn frame, Pfn pfn) override {
    m2p[frame.raw()] = pfn;
    history.push_back({.kind = Event::Kind::kM2p, .frame = frame});
  }
  void entry_changed(Mfn table, unsigned index) override {
    history.push_back({.kind = Event::Kind::kChanged, .frame = table, .slot = index});
  }
  void frame_becomes_table(Mfn table) override {
    history.push_back({.kind = Event::Kind::kBecomesTable, .frame = table});
  }
  void flush_tlb(VcpuMask vcpus, TlbFlush what) override {
    history.push_back({.kind = Event::Kind::kFlush, .vcpus = vcpus, .flush = what});
  }
  VcpuMask all_vcpus() override { return vcpus_; }
  uint32_t allow_steps(bool resumed, uint64_t steps) override {
    return allow ? allow(resumed, steps) : kManySteps;
  }
  uint64_t hypervisor_slot_entry(unsigned slot) override {
    return slot <= 257 ? hypervisor_entry : 0;
  }

  // What the processor or the domain builder would do.
  std::atomic<uint64_t>& cell(Mfn frame, unsigned index) {
    if (frame.raw() >= frame_count_ || index >= kEntriesPerTable) std::abort();
    return memory_[frame.raw() * kEntriesPerTable + index];
  }
  unsigned char* bytes(Maddr at) {
    return reinterpret_cast<unsigned char*>(&cell(at.frame(), 0)) + at.offset();
  }
  std::vector<uint64_t> snapshot() const {
    std::vector<uint64_t> copy(frame_count_ * kEntriesPerTable);
    for (size_t i = 0; i < copy.size(); ++i) copy[i] = memory_[i].load();
    return copy;
  }
  size_t count(Event::Kind kind) const {
    size_t found = 0;
    for (const Event& event : history) found += event.kind == kind;
    return found;
  }

  uint64_t hypervisor_entry = kHypervisorEntry;  // in slots 256 and 257
  std::vector<Event> history;
  std::map<uint64_t, Pfn> m2p;
  bool log_reads = false;
  std::function<void(Mfn, unsigned)> before_exchange;

 private:
  static void check_inside(Maddr at, size_t size) {
    if (at.offset() + size > kPageSize) std::abort();  // the MMU's promise to the platform
  }

  size_t frame_count_;
  VcpuMask vcpus_;
  std::unique_ptr<std::atomic<uint64_t>[]> memory_;
};

}  // namespace pvmmu::testing
