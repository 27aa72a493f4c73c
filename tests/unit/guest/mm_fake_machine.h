// A machine for the guest's mm in a hosted test: frames, a direct map, and a hypervisor that obeys.
//
// Frames live in a memory file mapped twice: the kernel's view, whose pages become read-only for
// real when the mm asks for it (so a plain store to a live upper table kills the test), and the
// hypervisor's view. Machine frames are the pseudo-physical ones shuffled, so that a mix-up does
// not go unnoticed.
//
// Stores to live L1 tables are emulated and counted.
//
// The hypervisor keeps the rules that the mm must know of and throws RuleBroken otherwise: tables
// are read-only in the direct map and untyped children are reachable when a root is pinned; a frame
// becomes writable again only when nothing types it; entries are updated in typed tables only.
// It counts what the mm asks for. The processor (read, write) walks tables, keeps a TLB for each
// vCPU, sets A and D, and takes faults to the mm.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "accounting.h"
#include "base/pte.h"
#include "frames.h"
#include "mm/mm.h"
#include "options.h"

namespace kernel::test {

struct RuleBroken : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Panic : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// An access of a process that the mm refused.
struct SegmentationFault : std::runtime_error {
  SegmentationFault() : std::runtime_error("refused access") {}
};

// What reached the hypervisor.
struct Calls {
  uint64_t hypercalls = 0;  // a multicall is one
  uint64_t entries = 0;     // calls inside multicalls
  uint64_t table_updates = 0;
  uint64_t preserving_updates = 0;
  uint64_t va_mappings = 0;
  uint64_t pins = 0;
  uint64_t unpins = 0;
  uint64_t page_flushes = 0;
  uint64_t flushes = 0;
  uint64_t flushed_vcpus = 0;  // those that any flush of an address space named, as bits
  uint64_t emulated_stores = 0;
  uint64_t demand_fills = 0;
};

class FakeMachine {
 public:
  static constexpr uint64_t kFrames = 4096;
  static constexpr uint64_t kReservedFrames = 16;

  // The one machine of the process: the kernel's pools keep its pages.
  static FakeMachine& instance();
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  // Begins a test: options, empty counters, vCPU 0.
  void start(const Options& options);

  // Answers the private hypercalls for the accelerator; without it there are none.
  std::function<int64_t(const uint64_t* args)> accelerator;
  // Whether the hypervisor has the private extensions; asked by start().
  void set_extensions(bool on) { has_extensions_ = on; }

  // The vCPU that the caller is on.
  void run_on(unsigned cpu) { cpu_ = cpu; }
  unsigned cpu() const { return cpu_; }

  // An access of a process on the address space active on this vCPU.
  uint64_t read(Mm& mm, uint64_t address);
  void write(Mm& mm, uint64_t address, uint64_t value);
  uint64_t fault_count() const { return faults_; }

  Calls& calls() { return calls_; }
  guest_abi::GuestCounters& counters() { return counters_; }
  guest_abi::GuestCounters& phase_counters(uint32_t phase) { return phase_counters_[phase]; }
  uint64_t hypercalls_in_phase(uint32_t phase) const { return phase_hypercalls_[phase]; }

  // What the rule checker found, and what the kernel said.
  guest_abi::PteRuleReport& rules() { return rules_; }
  std::string& console() { return console_; }

  // --- for the fakes of the kernel's lower interfaces ---
  unsigned char* kernel_view() const { return kernel_view_; }
  static uint64_t shuffled(uint64_t frame) { return (frame * 5) % kFrames; }
  static uint64_t unshuffled(uint64_t frame);
  bool emulate_store(void* page);
  int64_t hypercall(uint64_t op, const uint64_t (&args)[6]);
  void count(uint64_t guest_abi::GuestCounters::*counter, uint64_t amount);
  void raise_locks(uint64_t held);
  uint32_t set_phase(uint32_t phase);
  uint32_t phase() const { return phase_; }

 private:
  FakeMachine();

  struct Translation {
    uint64_t entry;
    bool dirty;
  };
  using Tlb = std::map<uint64_t, Translation>;  // by page address
  struct Roots {
    uint64_t kernel = 0;
    uint64_t user = 0;
  };

  uint64_t* table(uint64_t mfn) const;
  int64_t dispatch(uint64_t op, const uint64_t* args);
  void mmu_update(uint64_t pointer, uint64_t value);
  void va_mapping(uint64_t address, uint64_t value, uint64_t flags);
  void mmuext(const void* operation);
  void type_table(uint64_t mfn, unsigned level);
  void untype_table(uint64_t mfn);
  void type_below(uint64_t mfn, unsigned level, bool add);
  void flush(uint64_t mask, const uint64_t* address);
  void fill_on_demand(uint64_t* entry, bool is_write);
  uint64_t* leaf(uint64_t root, uint64_t address) const;
  Translation& translate(Mm& mm, uint64_t address, bool is_write);
  void require(bool condition, const std::string& what) const;

  unsigned char* kernel_view_ = nullptr;
  unsigned char* hypervisor_view_ = nullptr;
  std::vector<Page> descriptors_;
  std::vector<unsigned> type_count_;   // by mfn
  std::vector<unsigned> level_;        // by mfn: of the table that it is
  std::vector<bool> pinned_;           // by mfn
  std::vector<bool> kernel_writable_;  // by mfn: in the direct map
  std::array<Tlb, 4> tlbs_;
  std::array<Roots, 4> roots_;
  unsigned cpu_ = 0;
  bool has_extensions_ = true;
  bool fills_on_demand_ = false;
  uint64_t faults_ = 0;
  Calls calls_;
  guest_abi::GuestCounters counters_{};
  guest_abi::PteRuleReport rules_{};
  std::string console_;
  std::array<guest_abi::GuestCounters, guest_abi::kMaxPhases> phase_counters_{};
  std::array<uint64_t, guest_abi::kMaxPhases> phase_hypercalls_{};
  uint32_t phase_ = guest_abi::kPhaseMain;
};

}  // namespace kernel::test
