// The cost of the MMU alone: updates of L1 entries through mmu_update as a guest would issue them,
// and pins of whole tables. Items are entries, so items_per_second is L1 updates (or entries
// validated) a second on one core.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "base/pte.h"
#include "pvmmu/mmu.h"

namespace pvmmu {
namespace {

constexpr uint64_t kFlagsRo = kPtePresent | kPteUser | kPteAccessed;
constexpr uint64_t kFlagsRw = kFlagsRo | kPteWritable | kPteDirty;

// Plain memory, as the VMM's own platform is; nothing is recorded.
class ArrayPlatform final : public Platform {
 public:
  explicit ArrayPlatform(size_t frames)
      : memory_(new std::atomic<uint64_t>[frames * kEntriesPerTable]()) {}
  uint64_t read_entry(Mfn table, unsigned index) override {
    return cell(table, index).load(std::memory_order_relaxed);
  }
  bool compare_exchange_entry(Mfn table, unsigned index, uint64_t& expected,
                              uint64_t desired) override {
    return cell(table, index).compare_exchange_strong(expected, desired);
  }
  void read_bytes(Maddr from, void* to, size_t size) override {
    std::memcpy(to, bytes(from), size);
  }
  void write_bytes(Maddr to, const void* from, size_t size) override {
    std::memcpy(bytes(to), from, size);
  }
  void write_m2p(Mfn, Pfn) override {}
  void entry_changed(Mfn, unsigned) override { ++changes; }
  void frame_becomes_table(Mfn) override {}
  void flush_tlb(VcpuMask, TlbFlush) override { ++flushes; }
  VcpuMask all_vcpus() override { return 1; }
  uint64_t hypervisor_slot_entry(unsigned) override { return 0; }

  std::atomic<uint64_t>& cell(Mfn frame, unsigned index) {
    return memory_[frame.raw() * kEntriesPerTable + index];
  }
  unsigned char* bytes(Maddr at) {
    return reinterpret_cast<unsigned char*>(&cell(at.frame(), 0)) + at.offset();
  }
  uint64_t changes = 0;
  uint64_t flushes = 0;

 private:
  std::unique_ptr<std::atomic<uint64_t>[]> memory_;
};

// Frames 16..23 are tables and arrays; frames 64..1087 are data.
class Bed {
 public:
  static constexpr size_t kFrames = 1088;
  static constexpr Mfn kL4{16}, kL3{17}, kL2{18}, kL1{19}, kTable{20}, kArray{21};
  static constexpr uint64_t kBase = 0x40000000;

  Bed() : platform(kFrames), frame_table(kFrames), mmu(platform, frame_table, 1) {
    for (uint64_t i = 16; i < kFrames; ++i) mmu.assign_frame(Mfn(i), Pfn(i));
    for (unsigned i = 0; i < 4; ++i) put(kL1, i, Mfn(kArray.raw() + i), kFlagsRw);
    put(kL2, 0, kL1, kFlagsRw);
    put(kL3, 1, kL2, kFlagsRw);
    put(kL4, 0, kL3, kFlagsRw);
    ok = mmu.pin_initial(PtLevel::kL4, kL4) == 0 &&
         mmu.set_initial_base_pointer(VcpuId{0}, kL4) == 0;
  }
  void put(Mfn table, unsigned slot, Mfn frame, uint64_t flags) {
    platform.cell(table, slot).store((frame.raw() << kPageShift) | flags);
  }
  static uint64_t value(unsigned slot, uint64_t flags) {
    return flags == 0 ? 0 : ((64 + uint64_t{slot}) << kPageShift) | flags;
  }
  // An array that sets `count` entries of kTable, from `first` on, to these flags.
  std::vector<::mmu_update> requests(unsigned first, unsigned count, uint64_t flags) const {
    std::vector<::mmu_update> list(count);
    for (unsigned i = 0; i < count; ++i) {
      list[i] = {Maddr(kTable, (first + i) * 8).raw(), value(first + i, flags)};
    }
    return list;
  }
  int64_t issue(const std::vector<::mmu_update>& list) {
    std::memcpy(platform.bytes(Maddr(kArray, 0)), list.data(), list.size() * sizeof(::mmu_update));
    return mmu.mmu_update(call, LinearAddr(kBase), static_cast<uint32_t>(list.size()),
                          LinearAddr(0), DOMID_SELF);
  }

  ArrayPlatform platform;
  std::vector<PageInfo> frame_table;
  Mmu mmu;
  MmuCounters counters;
  Refusal refusal;
  Call call{VcpuId{0}, counters, refusal, true};
  bool ok = false;
};

// Sets every entry of one table to `first` flags and then to `second` flags, and so on, in arrays
// of state.range(0) requests.
void update_entries(benchmark::State& state, uint64_t first, uint64_t second) {
  Bed bed;
  const auto batch = static_cast<unsigned>(state.range(0));
  std::vector<std::vector<::mmu_update>> arrays;
  for (const uint64_t flags : {first, second}) {
    for (unsigned slot = 0; slot < kEntriesPerTable; slot += batch) {
      const unsigned count = std::min(batch, kEntriesPerTable - slot);
      arrays.push_back(bed.requests(slot, count, flags));
    }
  }
  int64_t result = bed.ok ? 0 : -1;
  Call& call = bed.call;
  if (result == 0) result = bed.mmu.pin_initial(PtLevel::kL1, Bed::kTable);
  for (auto _ : state) {
    for (const auto& array : arrays) result |= bed.issue(array);
  }
  if (result != 0) state.SkipWithError("an update was refused");
  state.SetItemsProcessed(static_cast<int64_t>(call.counters.ops_mmu_update));
  state.counters["updates_per_second"] = benchmark::Counter(
      static_cast<double>(call.counters.ops_mmu_update), benchmark::Counter::kIsRate);
}

void present_and_absent(benchmark::State& state) {
  update_entries(state, kFlagsRw, 0);
}
void read_only_and_writable(benchmark::State& state) {
  update_entries(state, kFlagsRo, kFlagsRw);
}
void flags_only(benchmark::State& state) {
  update_entries(state, kFlagsRw, kFlagsRw | kPteNoExecute);
}
BENCHMARK(present_and_absent)->Arg(1)->Arg(31)->Arg(512);
BENCHMARK(read_only_and_writable)->Arg(1)->Arg(31)->Arg(512);
BENCHMARK(flags_only)->Arg(31)->Arg(512);

// Pin and unpin of a table with 512 present entries. The second parameter is their flags.
void pin_and_unpin(benchmark::State& state) {
  Bed bed;
  const uint64_t flags = state.range(0) != 0 ? kFlagsRw : kFlagsRo;
  for (unsigned i = 0; i < kEntriesPerTable; ++i) bed.put(Bed::kTable, i, Mfn(64 + i), flags);
  const ::mmuext_op operations[2] = {
      {.cmd = MMUEXT_PIN_L1_TABLE, .arg1 = {.mfn = Bed::kTable.raw()}, .arg2 = {}},
      {.cmd = MMUEXT_UNPIN_TABLE, .arg1 = {.mfn = Bed::kTable.raw()}, .arg2 = {}}};
  std::memcpy(bed.platform.bytes(Maddr(Bed::kArray, 0)), operations, sizeof operations);
  int64_t result = bed.ok ? 0 : -1;
  for (auto _ : state) {
    result |= bed.mmu.mmuext_op(bed.call, LinearAddr(Bed::kBase), 2, LinearAddr(0), DOMID_SELF);
  }
  if (result != 0) state.SkipWithError("a pin was refused");
  state.SetItemsProcessed(static_cast<int64_t>(bed.counters.entries_validated));
}
BENCHMARK(pin_and_unpin)->ArgName("writable")->Arg(0)->Arg(1);

}  // namespace
}  // namespace pvmmu
