// The sizes and offsets of the Xen interface that guests compile against. [xen/xen.h]
//
// All of it is checked at compile time; the test proper only says so.
#include <gtest/gtest.h>

#include "abi/xen.h"

namespace {

static_assert(sizeof(mmu_update) == 16);
static_assert(offsetof(mmu_update, ptr) == 0);
static_assert(offsetof(mmu_update, val) == 8);

static_assert(sizeof(mmuext_op) == 24);
static_assert(offsetof(mmuext_op, cmd) == 0);
static_assert(offsetof(mmuext_op, arg1) == 8);
static_assert(offsetof(mmuext_op, arg2) == 16);
static_assert(sizeof(mmuext_op::arg1) == 8);
static_assert(sizeof(mmuext_op::arg2) == 8);

static_assert(sizeof(multicall_entry) == 64);
static_assert(offsetof(multicall_entry, op) == 0);
static_assert(offsetof(multicall_entry, result) == 8);
static_assert(offsetof(multicall_entry, args) == 16);

static_assert(sizeof(vcpu_info) == 64);
static_assert(offsetof(vcpu_info, evtchn_upcall_pending) == 0);
static_assert(offsetof(vcpu_info, evtchn_upcall_mask) == 1);
static_assert(offsetof(vcpu_info, evtchn_pending_sel) == 8);
static_assert(offsetof(vcpu_info, arch) == 16);
static_assert(offsetof(vcpu_info, time) == 32);
static_assert(sizeof(vcpu_time_info) == 32);
static_assert(offsetof(vcpu_time_info, tsc_timestamp) == 8);
static_assert(offsetof(vcpu_time_info, system_time) == 16);
static_assert(offsetof(vcpu_time_info, tsc_to_system_mul) == 24);
static_assert(offsetof(vcpu_time_info, tsc_shift) == 28);

static_assert(offsetof(shared_info, vcpu_info) == 0);
static_assert(offsetof(shared_info, evtchn_pending) == 2048);
static_assert(offsetof(shared_info, evtchn_mask) == 2048 + 512);
static_assert(offsetof(shared_info, wc_version) == 3072);
static_assert(offsetof(shared_info, wc_sec) == 3076);
static_assert(sizeof(shared_info) <= 4096);

static_assert(offsetof(start_info, magic) == 0);
static_assert(offsetof(start_info, nr_pages) == 32);
static_assert(offsetof(start_info, shared_info) == 40);
static_assert(offsetof(start_info, flags) == 48);
static_assert(offsetof(start_info, store_mfn) == 56);
static_assert(offsetof(start_info, store_evtchn) == 64);
static_assert(offsetof(start_info, console) == 72);
static_assert(offsetof(start_info, pt_base) == 88);
static_assert(offsetof(start_info, nr_pt_frames) == 96);
static_assert(offsetof(start_info, mfn_list) == 104);
static_assert(offsetof(start_info, mod_start) == 112);
static_assert(offsetof(start_info, mod_len) == 120);
static_assert(offsetof(start_info, cmd_line) == 128);
static_assert(offsetof(start_info, first_p2m_pfn) == 1152);
static_assert(offsetof(start_info, nr_p2m_frames) == 1160);
static_assert(sizeof(start_info) == 1168);

static_assert(__HYPERVISOR_mmu_update == 1);
static_assert(__HYPERVISOR_multicall == 13);
static_assert(__HYPERVISOR_update_va_mapping == 14);
static_assert(__HYPERVISOR_iret == 23);
static_assert(__HYPERVISOR_mmuext_op == 26);
static_assert(XEN_EINVAL == 22 && XEN_ENOSYS == 38 && XEN_EOPNOTSUPP == 95);

TEST(AbiLayout, IsXens) {
  // Sizes and offsets are proved above; here, that the fields are where a guest's words go.
  const uint64_t words[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  mmu_update_t update;
  __builtin_memcpy(&update, words, sizeof update);
  EXPECT_EQ(update.ptr, 1u);
  EXPECT_EQ(update.val, 2u);
  multicall_entry_t entry;
  __builtin_memcpy(&entry, words, sizeof entry);
  EXPECT_EQ(entry.op, 1u);
  EXPECT_EQ(entry.result, 2u);
  EXPECT_EQ(entry.args[5], 8u);
}

}  // namespace
