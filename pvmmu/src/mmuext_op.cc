// HYPERVISOR_mmuext_op: pins, base pointers, flushes and whole-page operations.
// [xen/xen.h: mmuext_op]
#include <bit>

#include "base/mutant.h"
#include "pvmmu/mmu.h"
#include "pvmmu/mmu_events.h"
#include "request_array.h"

namespace pvmmu {

namespace {

const char* operation_name(unsigned command) {
  static constexpr const char* kNames[] = {
      "MMUEXT_PIN_L1_TABLE",       "MMUEXT_PIN_L2_TABLE",  "MMUEXT_PIN_L3_TABLE",
      "MMUEXT_PIN_L4_TABLE",       "MMUEXT_UNPIN_TABLE",   "MMUEXT_NEW_BASEPTR",
      "MMUEXT_TLB_FLUSH_LOCAL",    "MMUEXT_INVLPG_LOCAL",  "MMUEXT_TLB_FLUSH_MULTI",
      "MMUEXT_INVLPG_MULTI",       "MMUEXT_TLB_FLUSH_ALL", "MMUEXT_INVLPG_ALL",
      "MMUEXT_FLUSH_CACHE",        "MMUEXT_SET_LDT",       "mmuext_op 14",
      "MMUEXT_NEW_USER_BASEPTR",   "MMUEXT_CLEAR_PAGE",    "MMUEXT_COPY_PAGE",
      "MMUEXT_FLUSH_CACHE_GLOBAL", "MMUEXT_MARK_SUPER",    "MMUEXT_UNMARK_SUPER"};
  static_assert(sizeof kNames / sizeof kNames[0] == MMUEXT_UNMARK_SUPER + 1);
  return command <= MMUEXT_UNMARK_SUPER ? kNames[command] : "mmuext_op";
}

}  // namespace

struct Mmu::OperationArray {
  static constexpr size_t size = sizeof(::mmuext_op);
  static constexpr const char* name = "mmuext_op";

  Mmu& mmu;
  Call& call;

  // The base pointer may change from one operation to the next, so each is read by its own walk.
  bool read(LinearAddr place, Continuation::Request& request) {
    return mmu.memory_.copy_from(mmu.current_root(call), &request.operation, place, size);
  }
  Errno apply(Call&, const Continuation::Request& request) {
    return mmu.apply_operation(call, request.operation);
  }
  static const char* name_of(const Continuation::Request& request) {
    return operation_name(request.operation.cmd);
  }
  static uint64_t& done(MmuCounters& counters) { return counters.ops_mmuext; }
};

int64_t Mmu::mmuext_op(Call& call, LinearAddr operations, uint32_t count, LinearAddr done,
                       uint32_t foreigndom) {
  const Errno error = check_foreigndom(call, foreigndom, false);
  if (error != Errno::kOk) return return_value(finish_refused(call, "mmuext_op", error, 0));
  OperationArray array{*this, call};
  return run_array(call, array, operations, count, done);
}

Errno Mmu::apply_operation(Call& call, const ::mmuext_op& operation) {
  const Mfn frame(operation.arg1.mfn);
  switch (operation.cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
      return pin(call, frame, static_cast<PtLevel>(operation.cmd - MMUEXT_PIN_L1_TABLE + 1));
    case MMUEXT_UNPIN_TABLE:
      return unpin(call, frame);
    case MMUEXT_NEW_BASEPTR:
      return load_kernel_base_pointer(call, frame);
    case MMUEXT_NEW_USER_BASEPTR:
      return load_user_base_pointer(call, frame);
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_INVLPG_ALL:
      return flush_operation(call, operation);
    case MMUEXT_FLUSH_CACHE:
      return types_.refuse(call, Rule::kAnyInput, Errno::kEACCES,
                           "the domain has no device to flush caches for");
    case MMUEXT_FLUSH_CACHE_GLOBAL:
      return types_.refuse(call, Rule::kAnyInput, Errno::kEINVAL,
                           "the domain has no device to flush caches for");
    case MMUEXT_SET_LDT:
      return set_ldt(call, operation);
    case MMUEXT_CLEAR_PAGE:
      return clear_page(call, frame);
    case MMUEXT_COPY_PAGE:
      return copy_page(call, frame, Mfn(operation.arg2.src_mfn));
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
      return types_.refuse(call, Rule::kAnyInput, Errno::kEOPNOTSUPP, "there are no superpages");
    default:
      return types_.refuse(call, Rule::kAnyInput, Errno::kENOSYS, "no such operation");
  }
}

Errno Mmu::pin(Call& call, Mfn frame, PtLevel level) {
  const PageInfo* page = frames_.find_guest(frame);
  if (page != nullptr && page->pinned && !kMutated<Mutant::pinned_twice>) {
    return types_.refuse(call, Rule::kOneType, Errno::kEINVAL, "the frame is pinned already",
                         frame);
  }
  const Errno error = types_.get_page_and_type(call, frame, table_type(level));
  if (error != Errno::kOk) return error;
  frames_.at(frame).pinned = true;
  ++call.counters.pins;
  if (MmuEvents* events = platform_.events())
    events->pinned(call.counters, frame, table_type(level));
  return Errno::kOk;
}

Errno Mmu::unpin(Call& call, Mfn frame) {
  PageInfo* page = frames_.find_guest(frame);
  if (page == nullptr || !page->pinned) {
    return types_.refuse(call, Rule::kOneType, Errno::kEINVAL, "the frame is not pinned", frame);
  }
  page->pinned = false;
  const PageType type = page->type;
  types_.put_page_and_type(call.counters, frame);
  ++call.counters.unpins;
  if (MmuEvents* events = platform_.events()) events->unpinned(call.counters, frame, type);
  return Errno::kOk;
}

// The new reference is taken before the old one goes, so that reloading the same table, or one that
// the old keeps alive, does not tear it down in between.
Errno Mmu::load_kernel_base_pointer(Call& call, Mfn frame) {
  Mfn& root = roots_[index_of(call.vcpu)].kernel;
  if (kMutated<Mutant::old_root_put_first> && root != kInvalidMfn) {
    put_in_one_go(call, root);
    root = kInvalidMfn;
  }
  const Errno error = types_.get_page_and_type(call, frame, PageType::kL4);
  if (error != Errno::kOk) return error;
  const Mfn old_root = root;
  root = frame;
  // never: none; calls are read through base pointers, and who has any has a kernel one.
  if (old_root != kInvalidMfn) types_.put_page_and_type(call.counters, old_root);
  ++call.counters.base_pointer_loads;
  return Errno::kOk;
}

// Frame 0 means none.
Errno Mmu::load_user_base_pointer(Call& call, Mfn frame) {
  const Mfn wanted = frame == Mfn(0) ? kInvalidMfn : frame;
  if (frame != Mfn(0)) {
    const Errno error = types_.get_page_and_type(call, frame, PageType::kL4);
    if (error != Errno::kOk) return error;
  }
  Mfn& root = roots_[index_of(call.vcpu)].user;
  const Mfn old_root = root;
  root = wanted;
  if (old_root != kInvalidMfn) types_.put_page_and_type(call.counters, old_root);
  ++call.counters.base_pointer_loads;
  return Errno::kOk;
}

Errno Mmu::flush_operation(Call& call, const ::mmuext_op& operation) {
  // A guest pointer: a number here, whatever pointer type the ABI header gives it.
  const auto bitmap = std::bit_cast<uint64_t>(operation.arg2);
  VcpuMask vcpus = 0;
  switch (operation.cmd) {
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_INVLPG_LOCAL:
      vcpus = mask_of(call.vcpu);
      break;
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
      vcpus = platform_.all_vcpus();
      break;
    default:
      if (!read_vcpu_mask(call, LinearAddr(bitmap), vcpus)) {
        return types_.refuse(call, Rule::kAnyInput, Errno::kEINVAL,
                             "the bitmap of vCPUs cannot be read");
      }
  }
  const bool single = operation.cmd == MMUEXT_INVLPG_LOCAL ||
                      operation.cmd == MMUEXT_INVLPG_MULTI || operation.cmd == MMUEXT_INVLPG_ALL;
  const LinearAddr address(operation.arg1.linear_addr);
  if (!single) {
    tlb_.flush(call.counters, vcpus);
  } else if (address.canonical() || kMutated<Mutant::flush_of_any_address>) {
    // No processor holds a translation of another address.
    tlb_.flush_address(call.counters, vcpus, address);
  }
  return Errno::kOk;
}

// The guest may say that it has no LDT. One with entries is not offered.
Errno Mmu::set_ldt(Call& call, const ::mmuext_op& operation) {
  if (operation.arg2.nr_ents == 0) return Errno::kOk;
  const LinearAddr base(operation.arg1.linear_addr);
  if (base.offset() != 0 || !base.canonical() || operation.arg2.nr_ents > 8192) {
    return types_.refuse(call, Rule::kAnyInput, Errno::kEINVAL, "a bad place or size of the LDT");
  }
  return types_.refuse(call, Rule::kAnyInput, Errno::kENOSYS, "local descriptor tables");
}

Errno Mmu::clear_page(Call& call, Mfn frame) {
  static constexpr unsigned char kZeros[512] = {};
  const Errno error = types_.get_page_and_type(call, frame, PageType::kWritable);
  if (error != Errno::kOk) return error;
  for (uint64_t at = 0; at < kPageSize; at += sizeof kZeros) {
    platform_.write_bytes(Maddr(frame, at), kZeros, sizeof kZeros);
  }
  types_.put_page_and_type(call.counters, frame);
  return Errno::kOk;
}

Errno Mmu::copy_page(Call& call, Mfn to, Mfn from) {
  Errno error = types_.get_page(call, from);
  if (error != Errno::kOk) return error;
  error = types_.get_page_and_type(call, to, PageType::kWritable);
  if (error == Errno::kOk) {
    unsigned char piece[512];
    for (uint64_t at = 0; at < kPageSize; at += sizeof piece) {
      platform_.read_bytes(Maddr(from, at), piece, sizeof piece);
      platform_.write_bytes(Maddr(to, at), piece, sizeof piece);
    }
    types_.put_page_and_type(call.counters, to);
  }
  types_.put_page(from);
  return error;
}

}  // namespace pvmmu
