#include "mm_fake_machine.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "abi/xen.h"
#include "base/linear_addr.h"
#include "guest_abi/accelerator.h"
#include "guest_abi/accounting.h"
#include "mm/ahead.h"
#include "mm_fake_emulation.h"

namespace kernel::test {
namespace {

constexpr uint64_t kBytes = FakeMachine::kFrames * pvmmu::kPageSize;
constexpr unsigned kFirstSharedSlot = 272;

uint64_t frame_of(uint64_t entry) {
  return (entry & pvmmu::kPteFrameMask) >> pvmmu::kPageShift;
}
bool present(uint64_t entry) {
  return (entry & pvmmu::kPtePresent) != 0;
}

unsigned char* map_view(int file) {
  void* view = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (view == MAP_FAILED) {
    throw std::runtime_error("mmap failed");
  }
  return static_cast<unsigned char*>(view);
}

}  // namespace

FakeMachine::FakeMachine()
    : descriptors_(kFrames),
      type_count_(kFrames),
      level_(kFrames),
      pinned_(kFrames),
      kernel_writable_(kFrames, true) {
  const int file = memfd_create("guest memory", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(kBytes)) != 0) {
    throw std::runtime_error("memfd failed");
  }
  kernel_view_ = map_view(file);
  hypervisor_view_ = map_view(file);
  close(file);
}

FakeMachine& FakeMachine::instance() {
  static FakeMachine* machine = new FakeMachine;  // never destroyed, like the pools
  return *machine;
}

void FakeMachine::start(const Options& options) {
  set_options(options);
  static bool booted = false;
  if (!booted) {
    booted = true;
    frames_start(descriptors_.data(), kFrames);
    frames_add(pvmmu::Pfn(kReservedFrames), kFrames - kReservedFrames);
    Page& root = page_of(pvmmu::Pfn(1));
    const uint64_t mfn = mfn_of(root).raw();
    kernel_writable_[mfn] = false;
    type_table(mfn, 4);
    mm_boot(root);
    install_emulation([](void* page) { return instance().emulate_store(page); });
  }
  for (unsigned cpu = 0; cpu < tlbs_.size(); ++cpu) {
    cpu_ = cpu;
    mm_start_vcpu(cpu);
    roots_[cpu] = {};
  }
  cpu_ = 0;
  fills_on_demand_ = false;
  ahead_start();
  calls_ = {};
  counters_ = {};
  phase_counters_ = {};
  phase_hypercalls_ = {};
  phase_ = guest_abi::kPhaseMain;
  faults_ = 0;
}

uint64_t FakeMachine::unshuffled(uint64_t frame) {
  static const std::vector<uint64_t> inverse = [] {
    std::vector<uint64_t> table(kFrames);
    for (uint64_t i = 0; i < kFrames; ++i) {
      table[shuffled(i)] = i;
    }
    return table;
  }();
  return inverse.at(frame);
}

void FakeMachine::require(bool condition, const std::string& what) const {
  if (!condition) {
    throw RuleBroken(what);
  }
}

uint64_t* FakeMachine::table(uint64_t mfn) const {
  require(mfn < kFrames, "a frame that does not exist");
  return reinterpret_cast<uint64_t*>(hypervisor_view_ + unshuffled(mfn) * pvmmu::kPageSize);
}

// --- hypercalls ---

int64_t FakeMachine::hypercall(uint64_t op, const uint64_t (&args)[6]) {
  ++calls_.hypercalls;
  ++phase_hypercalls_[phase_];
  if (op != __HYPERVISOR_multicall) {
    return dispatch(op, args);
  }
  auto* entries = reinterpret_cast<multicall_entry_t*>(args[0]);
  for (uint64_t i = 0; i < args[1]; ++i) {
    ++calls_.entries;
    entries[i].result = static_cast<uint64_t>(dispatch(entries[i].op, entries[i].args));
  }
  return 0;
}

int64_t FakeMachine::dispatch(uint64_t op, const uint64_t* args) {
  switch (op) {
    case __HYPERVISOR_mmu_update:
      for (uint64_t i = 0; i < args[1]; ++i) {
        const auto& request = reinterpret_cast<const mmu_update_t*>(args[0])[i];
        mmu_update(request.ptr, request.val);
      }
      return 0;
    case __HYPERVISOR_update_va_mapping:
      va_mapping(args[0], args[1], args[2]);
      return 0;
    case __HYPERVISOR_mmuext_op:
      for (uint64_t i = 0; i < args[1]; ++i) {
        mmuext(&reinterpret_cast<const mmuext_op_t*>(args[0])[i]);
      }
      return 0;
    case guest_abi::kHypercallPvmmuOp:
      if (args[0] == guest_abi::kPvmmuOpAccelerator && accelerator) {
        return accelerator(args);
      }
      require(args[0] == guest_abi::kPvmmuOpFillOnDemand, "an unexpected private hypercall");
      fills_on_demand_ = has_extensions_;
      return has_extensions_ ? 0 : -XEN_ENOSYS;
    default:
      throw RuleBroken("an unexpected hypercall");
  }
}

// Runs in a signal handler.
bool FakeMachine::emulate_store(void* page) {
  auto* pointer = static_cast<unsigned char*>(page);
  if (pointer < kernel_view_ || pointer >= kernel_view_ + kBytes) {
    return false;
  }
  const uint64_t mfn = shuffled(static_cast<uint64_t>(pointer - kernel_view_) / pvmmu::kPageSize);
  if (type_count_[mfn] == 0 || level_[mfn] != 1) {
    return false;
  }
  ++calls_.emulated_stores;
  return true;
}

void FakeMachine::mmu_update(uint64_t pointer, uint64_t value) {
  ++calls_.table_updates;
  const uint64_t command = pointer & 7;
  const uint64_t mfn = (pointer & ~uint64_t{7}) >> pvmmu::kPageShift;
  uint64_t& entry = table(mfn)[(pointer & ~pvmmu::kPageMask) / 8];
  require(type_count_[mfn] != 0, "an update of a frame that is no table");
  if (command == MMU_PT_UPDATE_PRESERVE_AD) {
    ++calls_.preserving_updates;
    value |= entry & pvmmu::kPteAccessedDirty;
  }
  const uint64_t old = entry;
  entry = value;
  if (level_[mfn] > 1) {
    if (present(value)) {
      type_table(frame_of(value), level_[mfn] - 1);
    }
    if (present(old)) {
      untype_table(frame_of(old));
    }
  } else if (present(value)) {
    require(frame_of(value) < kFrames && type_count_[frame_of(value)] == 0,
            "a user mapping of a table");
  }
}

void FakeMachine::va_mapping(uint64_t address, uint64_t value, uint64_t flags) {
  ++calls_.va_mappings;
  auto* pointer = reinterpret_cast<unsigned char*>(address);
  if (pointer >= kernel_view_ && pointer < kernel_view_ + kBytes) {
    const auto pfn = static_cast<uint64_t>(pointer - kernel_view_) / pvmmu::kPageSize;
    const uint64_t mfn = shuffled(pfn);
    const bool writable = (value & pvmmu::kPteWritable) != 0;
    require(frame_of(value) == mfn, "the direct map maps another frame");
    require(!writable || type_count_[mfn] == 0, "a table becomes writable");
    kernel_writable_[mfn] = writable;
    mprotect(pointer, pvmmu::kPageSize, writable ? PROT_READ | PROT_WRITE : PROT_READ);
    return;
  }
  uint64_t* entry = leaf(roots_[cpu_].kernel, address);
  require(entry != nullptr, "no table maps the address");
  *entry = value;
  require((flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG, "a change without a flush");
  const uint64_t mask = flags & ~uint64_t{UVMF_FLUSHTYPE_MASK};
  flush(*reinterpret_cast<const uint64_t*>(mask), &address);
}

void FakeMachine::mmuext(const void* request) {
  const auto& operation = *static_cast<const mmuext_op_t*>(request);
  const uint64_t mfn = operation.arg1.mfn;
  switch (operation.cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L4_TABLE:
      ++calls_.pins;
      require(!pinned_.at(mfn), "pinned twice");
      type_table(mfn, operation.cmd - MMUEXT_PIN_L1_TABLE + 1);
      pinned_[mfn] = true;
      return;
    case MMUEXT_UNPIN_TABLE:
      ++calls_.unpins;
      require(pinned_.at(mfn), "not pinned");
      pinned_[mfn] = false;
      return untype_table(mfn);
    case MMUEXT_NEW_BASEPTR:
    case MMUEXT_NEW_USER_BASEPTR: {
      uint64_t& root =
          operation.cmd == MMUEXT_NEW_BASEPTR ? roots_[cpu_].kernel : roots_[cpu_].user;
      const uint64_t old = root;
      if (mfn != 0) {
        type_table(mfn, 4);
      }
      root = mfn;
      tlbs_[cpu_].clear();
      if (old != 0) {
        untype_table(old);
      }
      return;
    }
    case MMUEXT_INVLPG_MULTI:
      ++calls_.page_flushes;
      return flush(*static_cast<const uint64_t*>(operation.arg2.vcpumask.p),
                   reinterpret_cast<const uint64_t*>(&operation.arg1.linear_addr));
    case MMUEXT_TLB_FLUSH_MULTI:
      ++calls_.flushes;
      return flush(*static_cast<const uint64_t*>(operation.arg2.vcpumask.p), nullptr);
    case MMUEXT_TLB_FLUSH_ALL:
      ++calls_.flushes;
      return flush(~uint64_t{0}, nullptr);
    default:
      throw RuleBroken("an unexpected operation");
  }
}

void FakeMachine::type_table(uint64_t mfn, unsigned level) {
  require(mfn < kFrames, "a frame that does not exist");
  if (type_count_[mfn] == 0) {
    require(!kernel_writable_[mfn], "a table is writable in the direct map");
    level_[mfn] = level;
    type_count_[mfn] = 1;
    type_below(mfn, level, true);
    return;
  }
  require(level_[mfn] == level, "a table of another level");
  ++type_count_[mfn];
}

void FakeMachine::untype_table(uint64_t mfn) {
  require(type_count_[mfn] != 0, "a reference that was never taken");
  if (type_count_[mfn] == 1) {
    type_below(mfn, level_[mfn], false);
  }
  --type_count_[mfn];
}

void FakeMachine::type_below(uint64_t mfn, unsigned level, bool add) {
  if (level == 1) {
    return;
  }
  const unsigned slots = level == 4 ? kFirstSharedSlot : pvmmu::kEntriesPerTable;
  for (unsigned i = 0; i < slots; ++i) {
    const uint64_t entry = table(mfn)[i];
    if (!present(entry)) {
      continue;
    }
    if (add) {
      type_table(frame_of(entry), level - 1);
    } else {
      untype_table(frame_of(entry));
    }
  }
}

// --- the processor ---

void FakeMachine::flush(uint64_t mask, const uint64_t* address) {
  calls_.flushed_vcpus |= mask;
  for (unsigned i = 0; i < tlbs_.size(); ++i) {
    if ((mask >> i & 1) == 0) {
      continue;
    }
    if (address == nullptr) {
      tlbs_[i].clear();
    } else {
      tlbs_[i].erase(*address & pvmmu::kPageMask);
    }
  }
}

uint64_t* FakeMachine::leaf(uint64_t root, uint64_t address) const {
  const pvmmu::LinearAddr linear(address);
  uint64_t mfn = root;
  for (const auto level : {pvmmu::PtLevel::kL4, pvmmu::PtLevel::kL3, pvmmu::PtLevel::kL2}) {
    const uint64_t entry = table(mfn)[linear.index(level)];
    if (!present(entry)) {
      return nullptr;
    }
    mfn = frame_of(entry);
  }
  return &table(mfn)[linear.index(pvmmu::PtLevel::kL1)];
}

// An entry that waits for its first use becomes present.
void FakeMachine::fill_on_demand(uint64_t* entry, bool is_write) {
  if (!fills_on_demand_ || entry == nullptr || present(*entry) ||
      (*entry & pvmmu::kPteOnDemand) == 0 || (is_write && (*entry & pvmmu::kPteWritable) == 0)) {
    return;
  }
  require(type_count_.at(frame_of(*entry)) == 0, "a user mapping of a table");
  *entry = (*entry & ~pvmmu::kPteOnDemand) | pvmmu::kPtePresent;
  ++calls_.demand_fills;
}

FakeMachine::Translation& FakeMachine::translate(Mm& mm, uint64_t address, bool is_write) {
  const uint64_t page = address & pvmmu::kPageMask;
  for (unsigned attempt = 0; attempt < 4; ++attempt) {
    Tlb& tlb = tlbs_[cpu_];
    const auto cached = tlb.find(page);
    if (cached != tlb.end() && (!is_write || ((cached->second.entry & pvmmu::kPteWritable) != 0 &&
                                              cached->second.dirty))) {
      return cached->second;
    }
    tlb.erase(page);
    uint64_t* entry = leaf(roots_[cpu_].user, address);
    fill_on_demand(entry, is_write);
    if (entry != nullptr && present(*entry) && (!is_write || (*entry & pvmmu::kPteWritable) != 0)) {
      *entry |= is_write ? pvmmu::kPteAccessedDirty : pvmmu::kPteAccessed;
      return tlb[page] = {*entry, (*entry & pvmmu::kPteDirty) != 0};
    }
    ++faults_;
    const uint64_t error_code = 4 | (is_write ? 2 : 0);
    const FaultResult result = handle_user_fault(mm, address, error_code);
    if (result == FaultResult::kBad || result == FaultResult::kNoMemory) {
      throw SegmentationFault();
    }
  }
  throw RuleBroken("a fault that does not end");
}

uint64_t FakeMachine::read(Mm& mm, uint64_t address) {
  const uint64_t mfn = frame_of(translate(mm, address, false).entry);
  return table(mfn)[(address & ~pvmmu::kPageMask) / 8];
}

void FakeMachine::write(Mm& mm, uint64_t address, uint64_t value) {
  const uint64_t mfn = frame_of(translate(mm, address, true).entry);
  require(type_count_[mfn] == 0, "a process writes to a table");
  table(mfn)[(address & ~pvmmu::kPageMask) / 8] = value;
}

// --- accounting ---

void FakeMachine::count(uint64_t guest_abi::GuestCounters::*counter, uint64_t amount) {
  counters_.*counter += amount;
  phase_counters_[phase_].*counter += amount;
}

void FakeMachine::raise_locks(uint64_t held) {
  for (auto* counters : {&counters_, &phase_counters_[phase_]}) {
    if (counters->max_locks_held < held) {
      counters->max_locks_held = held;
    }
  }
}

uint32_t FakeMachine::set_phase(uint32_t phase) {
  const uint32_t before = phase_;
  phase_ = phase;
  return before;
}

}  // namespace kernel::test
