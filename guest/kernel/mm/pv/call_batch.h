// A section in which requests to the hypervisor are queued, in words of the mm.
//
// Scoped: when it ends, the requests have been made, or in a lazy section stay queued until that
// is left. Requests reach the hypervisor in the order in which they were queued. A refused request
// panics (vcpu_state.h). One request of each kind is one hypercall when batching is off.
#pragma once

#include "abi/xen.h"
#include "base/pte.h"
#include "mm/address_space.h"
#include "mm/page.h"
#include "mm/pv/vcpu_state.h"

namespace kernel {

class CallBatch {
 public:
  CallBatch() : vcpu_(pv_this_vcpu()) { vcpu_.queue.batch(); }
  ~CallBatch() {
    vcpu_.queue.issue(vcpu_.lazy ? multicall::Issue::kLater : multicall::Issue::kNow);
  }
  CallBatch(const CallBatch&) = delete;
  CallBatch& operator=(const CallBatch&) = delete;

  // Makes room for so much, so that nothing queued next flushes in between.
  void room(unsigned entries, unsigned extension_bytes, unsigned callbacks) {
    vcpu_.queue.room(entries, extension_bytes, callbacks);
  }
  // Runs function(argument) when everything queued so far has been done.
  void then(void (*function)(void*), void* argument) { vcpu_.queue.callback(function, argument); }

  // Entry `index` of a table becomes `value`. `command` is MMU_NORMAL_PT_UPDATE or
  // MMU_PT_UPDATE_PRESERVE_AD.
  [[gnu::always_inline]] void update_entry(const Page& table, unsigned index, uint64_t value,
                                           uint64_t command = MMU_NORMAL_PT_UPDATE) {
    const pvmmu::Maddr entry(mfn_of(table), index * sizeof(uint64_t));
    vcpu_.queue.queue_mmu_update(entry.raw() | command, value);
  }
  // The leaf that maps `address` in the address space active here becomes `value`; flags: UVMF_*.
  [[gnu::always_inline]] void update_mapping(uint64_t address, uint64_t value, uint64_t flags) {
    vcpu_.queue.queue_va_mapping(address, value, flags);
  }
  // The page's place in the direct map becomes read-only, or writable again. Nothing is flushed:
  // the hypervisor owes that when the frame changes its type.
  [[gnu::always_inline]] void protect_direct_map(Page& page, bool writable) {
    vcpu_.queue.queue_va_mapping(linear_address(address_of(page)), direct_map_entry(page, writable),
                                 UVMF_NONE);
  }

  // The page has no place in the direct map any more. Caller owes a flush.
  [[gnu::always_inline]] void unmap_direct_map(Page& page) {
    vcpu_.queue.queue_va_mapping(linear_address(address_of(page)), 0, UVMF_NONE);
  }

  [[gnu::always_inline]] void pin(pvmmu::PtLevel level, const Page& table) {
    frame_operation(MMUEXT_PIN_L1_TABLE + pvmmu::level_number(level) - 1, table);
  }
  [[gnu::always_inline]] void unpin(const Page& table) {
    frame_operation(MMUEXT_UNPIN_TABLE, table);
  }
  [[gnu::always_inline]] void load_kernel_root(const Page& root) {
    frame_operation(MMUEXT_NEW_BASEPTR, root);
  }
  // nullptr: none. [xen/public/xen.h: MMUEXT_NEW_USER_BASEPTR]
  [[gnu::always_inline]] void load_user_root(const Page* root) {
    mmuext_op_t operation{};
    operation.cmd = MMUEXT_NEW_USER_BASEPTR;
    operation.arg1.mfn = root != nullptr ? mfn_of(*root).raw() : 0;
    vcpu_.queue.queue_mmuext(operation);
  }

  // Every vCPU that runs on mm forgets one page's translation, or all of them.
  [[gnu::always_inline]] void flush_page(const Mm& mm, uint64_t address) {
    mmuext_op_t operation{};
    operation.cmd = MMUEXT_INVLPG_MULTI;
    operation.arg1.linear_addr = address;
    set_mask(operation, mm);
    vcpu_.queue.queue_mmuext(operation);
  }
  [[gnu::always_inline]] void flush_all(const Mm& mm) {
    mmuext_op_t operation{};
    operation.cmd = MMUEXT_TLB_FLUSH_MULTI;
    set_mask(operation, mm);
    vcpu_.queue.queue_mmuext(operation);
  }
  // Every vCPU forgets every translation, also those of the kernel half.
  [[gnu::always_inline]] void flush_everywhere() {
    mmuext_op_t operation{};
    operation.cmd = MMUEXT_TLB_FLUSH_ALL;
    vcpu_.queue.queue_mmuext(operation);
  }

 private:
  [[gnu::always_inline]] void frame_operation(unsigned command, const Page& table) {
    mmuext_op_t operation{};
    operation.cmd = command;
    operation.arg1.mfn = mfn_of(table).raw();
    vcpu_.queue.queue_mmuext(operation);
  }
  static void set_mask(mmuext_op_t& operation, const Mm& mm) {
    operation.arg2.vcpumask.p = reinterpret_cast<const void*>(linear_address(&mm.active_vcpus));
  }

  PvVcpu& vcpu_;
};

// The argument bytes of one mmuext operation, for room().
inline constexpr unsigned kMmuextBytes = sizeof(mmuext_op_t);

}  // namespace kernel
