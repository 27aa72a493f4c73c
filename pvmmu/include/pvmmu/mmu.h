// The hypervisor's MMU: owns the type and count of every frame, and is the only code that changes
// an entry of a guest's page table.
//
// Invariants: I1..I9 of docs/architecture.md; pvmmu/page_info.h says who holds which reference and
// when a flush is owed. Every operation is decode, validate, commit.
//
// Locks: one lock guards all of it. The caller holds it during every call; the MMU never waits.
//
// Preemption: mmu_update and mmuext_op do long work in pieces (Platform::allow_steps). A piece that
// is not the last returns kPreempted; the caller may then drop the lock and let others in, and must
// make the same call again for that vCPU before any other of its calls. Whatever the pieces,
// results, tables and counts are those of one uninterrupted call. All else is short, or the VMM's
// own and done in one go.
//
// Guest input may be anything: the answer is an errno (negative, as in Xen), a filled Refusal and a
// count. Does not print, allocate, or know KVM.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "abi/xen.h"
#include "base/errno.h"
#include "base/frame.h"
#include "base/level.h"
#include "base/linear_addr.h"
#include "pvmmu/audit.h"
#include "pvmmu/call.h"
#include "pvmmu/continuation.h"
#include "pvmmu/counters.h"
#include "pvmmu/frame_table.h"
#include "pvmmu/guest_memory.h"
#include "pvmmu/page_info.h"
#include "pvmmu/platform.h"
#include "pvmmu/refusal.h"
#include "pvmmu/step_budget.h"
#include "pvmmu/tlb_ledger.h"
#include "pvmmu/type_keeper.h"
#include "pvmmu/vcpu.h"
#include "pvmmu/walk.h"
#include "pvmmu/write_operation.h"

namespace pvmmu {

class RequestWindow;

struct MmuConfig {
  uint16_t domain_id = 1;              // a guest may name itself by it in foreigndom
  uint32_t count_limit = kCountLimit;  // lower in tests only
};

// What a hypercall returns that was preempted: call again with the same arguments. It is not the
// guest's to see.
inline constexpr int64_t kPreempted = return_value(kRestart);

class Mmu {
 public:
  // The frame table must be default-constructed: every frame is the hypervisor's until it is given
  // away. At most kMaxVcpus vCPUs.
  Mmu(Platform& platform, std::span<PageInfo> frame_table, unsigned vcpu_count,
      MmuConfig config = {});
  Mmu(const Mmu&) = delete;
  Mmu& operator=(const Mmu&) = delete;

  // --- Domain building -------------------------------------------------------------------------
  // Gives a frame to the domain, with type none, and enters it in the m2p.
  void assign_frame(Mfn frame, Pfn pfn);
  // Lends the guest a frame of the hypervisor that it may map, writable for ever (shared_info).
  void share_frame(Mfn frame);
  // As MMUEXT_PIN_Ln_TABLE; 0 or a negative errno.
  int pin_initial(PtLevel level, Mfn root, Refusal* why = nullptr);
  // Puts a vCPU on its first tables (an L4 each, promoted if need be). kInvalidMfn for no user
  // table. 0 or a negative errno, and then nothing has changed.
  int set_initial_base_pointer(VcpuId vcpu, Mfn kernel, Mfn user = kInvalidMfn,
                               Refusal* why = nullptr);
  // Takes a vCPU off its tables: it must not run any more.
  void drop_base_pointers(VcpuId vcpu);

  // --- The hypercalls --------------------------------------------------------------------------
  // 0 or a negative errno, as Xen's; the first and third also kPreempted. `done` (0: not wanted)
  // receives how many were carried out. Flushes that the changes owe are complete on return, but
  // for kPreempted: they are still owed then.
  int64_t mmu_update(Call& call, LinearAddr requests, uint32_t count, LinearAddr done,
                     uint32_t foreigndom);
  int64_t update_va_mapping(Call& call, LinearAddr va, uint64_t value, uint64_t flags);
  int64_t mmuext_op(Call& call, LinearAddr operations, uint32_t count, LinearAddr done,
                    uint32_t foreigndom);
  // update_descriptor: one checked 8-byte store into a descriptor table or writable frame.
  int64_t update_descriptor(Call& call, Maddr place, uint64_t descriptor);

  // --- Base pointers ---------------------------------------------------------------------------
  // What the vCPU runs on in each mode; kInvalidMfn if it has none.
  Mfn kernel_base_pointer(VcpuId vcpu) const { return roots_[index_of(vcpu)].kernel; }
  Mfn user_base_pointer(VcpuId vcpu) const { return roots_[index_of(vcpu)].user; }

  // --- Guest memory ----------------------------------------------------------------------------
  WalkResult walk(Mfn root, LinearAddr address, Access access) {
    return memory_.walk(root, address, access);
  }
  bool copy_from_guest(Mfn root, void* to, LinearAddr from, size_t size) {
    return memory_.copy_from(root, to, from, size);
  }
  bool copy_to_guest(Mfn root, LinearAddr to, const void* from, size_t size);
  // Where the last copy that returned false stopped.
  LinearAddr fault_address() const { return memory_.fault_address(); }

  // --- Emulation -------------------------------------------------------------------------------
  // A store by the guest kernel that faulted: carried out if it goes to an L1 table through a
  // read-only mapping. Like any change of an L1 entry it owes no flush; the guest flushes.
  EmulationResult emulate_write(Call& call, Mfn root, LinearAddr address,
                                const WriteOperation& operation);

  // --- Entries on demand -------------------------------------------------------------------------
  // An access by the guest that faulted: if the L1 entry waits for it (kPteOnDemand) and permits
  // it, the entry becomes present, with A, and D for a write. False: the fault is the guest's; if
  // the entry was refused, `call` says why. Only for domains that asked for the extension.
  bool fill_on_demand(Call& call, Mfn root, LinearAddr address, Access access);

  // --- References of the VMM -------------------------------------------------------------------
  // A frame that the VMM itself writes (vcpu_info, accounting): while held, it cannot become a
  // table. Returns 0 or a negative errno; `operation` is what asks for it, for the record.
  int64_t get_writable(Call& call, const char* operation, Mfn frame);
  void put_writable(Mfn frame);
  // The same for an entry of a device's own translations, for reading or writing: while it is held
  // the frame can neither become a table nor leave the domain. The recount compares these with
  // Platform::device_frames().
  int64_t get_for_device(Call& call, const char* operation, Mfn frame);
  void put_for_device(Mfn frame);
  // A frame of a descriptor table (set_gdt): every descriptor is checked, present ones get DPL 3.
  // Returns 0 or a negative errno.
  int64_t get_descriptor_table(Call& call, Mfn frame);
  void put_descriptor_table(Mfn frame);

  // --- Flushes by other means ------------------------------------------------------------------
  // The vCPU dropped all its translations (say, by loading a base pointer), after every change so
  // far became visible to it. Optional; spares flushes.
  void note_flush(VcpuId vcpu) { tlb_.note_flush(vcpu); }

  // --- Looking ---------------------------------------------------------------------------------
  // Recounts everything from memory and roots; true if all agrees.
  bool audit(AuditSink& sink);
  // Entries, pins and base pointers that use the frame: fills `users`, returns how many there are,
  // which may be more. Slow: reads every table.
  size_t find_users(Mfn frame, std::span<FrameUser> users);
  // The frame must be in range.
  const PageInfo& page_info(Mfn frame) const { return frames_.at(frame); }
  size_t frame_count() const { return frames_.size(); }
  // What was counted outside any guest request (domain building, the VMM's own references).
  const MmuCounters& own_counters() const { return own_counters_; }

 private:
  struct Roots {
    Mfn kernel;
    Mfn user;
  };
  struct UpdateRequest;

  static unsigned index_of(VcpuId vcpu) { return static_cast<uint32_t>(vcpu) % kMaxVcpus; }
  Mfn current_root(const Call& call) const;
  Call own_call(VcpuId vcpu) { return Call{vcpu, own_counters_, own_refusal_, true}; }
  // Counts a refusal, names the operation in it, and passes the error on.
  [[gnu::cold]] Errno finish_refused(Call& call, const char* operation, Errno error,
                                     uint32_t request);
  void write_done(Call& call, LinearAddr done, uint32_t count);

  // --- arrays of requests, in pieces (request_array.h) ---
  struct UpdateArray;
  struct OperationArray;
  template <typename Array>
  int64_t run_array(Call& call, Array& array, LinearAddr requests, uint32_t count, LinearAddr done);
  template <typename Array>
  Errno resume_request(Call& call, Array& array, LinearAddr request, Continuation& saved);
  // A request ended with `error`: what is left to do of it, and what it is to end with.
  [[gnu::cold]] Errno conclude_request(Call& call, Continuation& saved,
                                       const Continuation::Request& request, Errno error);
  Errno tear_down_rest(Call& call, Continuation& saved);
  [[gnu::cold]] Errno refuse_unreadable(Call& call, const char* operation, LinearAddr element,
                                        uint32_t request);
  static int64_t preempt(Continuation& saved, uint32_t index);
  // Gives back a reference of the VMM's.
  void put_in_one_go(Call& call, Mfn frame);

  Errno check_foreigndom(Call& call, uint32_t foreigndom, bool with_table_owner);
  Errno apply_update(Call& call, UpdateRequest request, RequestWindow& window);
  template <PtLevel L>
  Errno change_entry(Call& call, UpdateRequest request);
  [[gnu::noinline]] Errno apply_upper_update(Call& call, UpdateRequest request, PtLevel level);
  Errno apply_plain_write(Call& call, UpdateRequest request);
  Errno apply_machphys(Call& call, UpdateRequest request);

  Errno change_mapping(Call& call, LinearAddr va, uint64_t value);
  Errno flush_for_mapping(Call& call, LinearAddr va, uint64_t flags);
  bool read_vcpu_mask(Call& call, LinearAddr bitmap, VcpuMask& mask);

  Errno write_entry(Call& call, Mfn table, LinearAddr address, const WriteOperation& operation,
                    EmulationResult& result);

  Errno apply_operation(Call& call, const ::mmuext_op& operation);
  Errno pin(Call& call, Mfn frame, PtLevel level);
  Errno unpin(Call& call, Mfn frame);
  Errno load_kernel_base_pointer(Call& call, Mfn frame);
  Errno load_user_base_pointer(Call& call, Mfn frame);
  Errno flush_operation(Call& call, const ::mmuext_op& operation);
  Errno set_ldt(Call& call, const ::mmuext_op& operation);
  Errno clear_page(Call& call, Mfn frame);
  Errno copy_page(Call& call, Mfn to, Mfn from);

  Platform& platform_;
  FrameTable frames_;
  TlbLedger tlb_;
  TypeKeeper types_;
  GuestMemory memory_;
  const MmuConfig config_;
  const unsigned vcpu_count_;
  Roots roots_[kMaxVcpus];
  Continuation continuations_[kMaxVcpus];
  MmuCounters own_counters_;
  Refusal own_refusal_;
};

}  // namespace pvmmu
