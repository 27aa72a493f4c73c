// HYPERVISOR_mmu_update: an array of changes of page-table entries. [xen/xen.h: mmu_update]
//
// Not a transaction: requests before a refused one stay done, and `done` says how many.
#include "at_level.h"
#include "base/mutant.h"
#include "entry_writer.h"
#include "pvmmu/mmu.h"
#include "request_array.h"
#include "request_window.h"

namespace pvmmu {

// Two registers: passed by value.
struct Mmu::UpdateRequest {
  uint64_t place;
  uint64_t value;

  Mfn frame() const { return Maddr(place).frame(); }  // that holds the entry
  unsigned slot() const {                             // of the entry
    return static_cast<unsigned>(Maddr(place).offset() / sizeof(uint64_t));
  }
  unsigned command() const { return place & (sizeof(uint64_t) - 1); }
};

struct Mmu::UpdateArray {
  static constexpr size_t size = sizeof(::mmu_update);
  static constexpr const char* name = "mmu_update";

  Mmu& mmu;
  RequestWindow window;

  bool read(LinearAddr place, Continuation::Request& request) {
    return window.read(place, &request.update, size);
  }
  Errno apply(Call& call, const Continuation::Request& request) {
    return mmu.apply_update(call, UpdateRequest{request.update.ptr, request.update.val}, window);
  }
  static const char* name_of(const Continuation::Request&) { return name; }
  static uint64_t& done(MmuCounters& counters) { return counters.ops_mmu_update; }
};

int64_t Mmu::mmu_update(Call& call, LinearAddr requests, uint32_t count, LinearAddr done,
                        uint32_t foreigndom) {
  const Errno error = check_foreigndom(call, foreigndom, true);
  if (error != Errno::kOk) return return_value(finish_refused(call, "mmu_update", error, 0));
  UpdateArray array{*this, RequestWindow(platform_, memory_, current_root(call))};
  return run_array(call, array, requests, count, done);
}

template <PtLevel L>
Errno Mmu::change_entry(Call& call, UpdateRequest request) {
  const bool preserve =
      request.command() == MMU_PT_UPDATE_PRESERVE_AD && !kMutated<Mutant::accessed_dirty_dropped>;
  const uint64_t kept = preserve ? kPteAccessedDirty : 0;
  const auto compute = [value = request.value, kept](uint64_t& entry) {
    entry = value | (entry & kept);
    return true;
  };
  uint64_t old_value = 0;
  return EntryWriter(platform_, types_, tlb_)
      .change<L>(call, request.frame(), request.slot(), compute, old_value);
}

Errno Mmu::apply_update(Call& call, UpdateRequest request, RequestWindow& window) {
  switch (request.command()) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_PRESERVE_AD:
    case MMU_PT_UPDATE_NO_TRANSLATE: {
      const PageInfo* page = frames_.find_guest(request.frame());
      if (page == nullptr) {
        return types_.refuse(call, Rule::kEntryTarget, Errno::kEINVAL,
                             "the entry's frame is not the domain's", request.frame());
      }
      if (page->whole() && is_table(page->type)) {
        const PtLevel level = table_level(page->type);
        if (level == PtLevel::kL1) [[likely]] {
          window.leaf_written(request.frame(), request.slot());
          return change_entry<PtLevel::kL1>(call, request);
        }
        window.forget();
        return apply_upper_update(call, request, level);
      }
      return apply_plain_write(call, request);
    }
    case MMU_MACHPHYS_UPDATE:
      return apply_machphys(call, request);
    default:
      return types_.refuse(call, Rule::kAnyInput, Errno::kENOSYS, "no such command");
  }
}

// Apart from the frequent L1 so that this one's code stays out of its way.
Errno Mmu::apply_upper_update(Call& call, UpdateRequest request, PtLevel level) {
  return at_level(level, [&]<PtLevel L>() { return change_entry<L>(call, request); });
}

// A frame that is no table is ordinary memory: the value is stored as it is, whatever the command.
// One that is being promoted or demoted is neither, and refused for its type.
Errno Mmu::apply_plain_write(Call& call, UpdateRequest request) {
  const Errno error = types_.get_page_and_type(call, request.frame(), PageType::kWritable);
  if (error != Errno::kOk) return error;
  platform_.write_bytes(Maddr(request.frame(), request.slot() * sizeof(uint64_t)), &request.value,
                        sizeof request.value);
  types_.put_page_and_type(call.counters, request.frame());
  ++call.counters.plain_writes;
  return Errno::kOk;
}

Errno Mmu::apply_machphys(Call& call, UpdateRequest request) {
  if (frames_.find_guest(request.frame()) == nullptr) {
    return types_.refuse(call, Rule::kEntryTarget, Errno::kEINVAL, "the frame is not the domain's",
                         request.frame());
  }
  platform_.write_m2p(request.frame(), Pfn(request.value));
  ++call.counters.machphys_updates;
  return Errno::kOk;
}

}  // namespace pvmmu
