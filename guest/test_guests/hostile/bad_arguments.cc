// Hypercalls with pointers and counts that nobody should believe.
#include "guest_abi/accounting.h"
#include "hostile/attack.h"

namespace test_guest {
namespace {

constexpr uint64_t kBadPointers[] = {0,
                                     0x800000000000,      // not canonical
                                     0xffff800000000000,  // the hypervisor's, readable
                                     0xffff828000000000,  // the hypervisor's
                                     0xfffffffffffffff8};
constexpr uint64_t kWildCounts[] = {1, 0x7fffffff, 0xffffffff, 0x80000000};

struct PointerCall {
  const char* name;
  unsigned number;
  uint64_t first;  // the command; the pointer is the second argument
};

constexpr PointerCall kOutputs[] = {
    {"xen_version capabilities", __HYPERVISOR_xen_version, XENVER_capabilities},
    {"xen_version compile_info", __HYPERVISOR_xen_version, XENVER_compile_info},
    {"memory_op machphys_mapping", __HYPERVISOR_memory_op, XENMEM_machphys_mapping},
};

constexpr PointerCall kInputs[] = {
    {"event_channel_op send", kEventChannelOp, EVTCHNOP_send},
    {"event_channel_op alloc_unbound", kEventChannelOp, EVTCHNOP_alloc_unbound},
    {"sched_op poll", kSchedOp, SCHEDOP_poll},
    {"sched_op shutdown", kSchedOp, SCHEDOP_shutdown},
    {"physdev_op set_iopl", kPhysdevOp, PHYSDEVOP_set_iopl},
    {"memory_op memory_map", __HYPERVISOR_memory_op, XENMEM_memory_map},
};

bool readable(uint64_t pointer) {
  return pointer == 0xffff800000000000;
}

void bad_pointers() {
  for (const uint64_t pointer : kBadPointers) {
    print("pointer ", Hex{pointer});
    for (const PointerCall& call : kOutputs) {
      expect_error(call.name, hypercall(call.number, call.first, pointer));
    }
    if (readable(pointer)) continue;
    for (const PointerCall& call : kInputs) {
      expect_error(call.name, hypercall(call.number, call.first, pointer));
    }
    expect_error("console_io", hypercall(__HYPERVISOR_console_io, 0, 16, pointer));
    expect_error("vcpu_op", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, pointer));
    expect_error("mmu_update", hypercall(__HYPERVISOR_mmu_update, pointer, 1, 0, DOMID_SELF));
    expect_error("mmuext_op", hypercall(__HYPERVISOR_mmuext_op, pointer, 1, 0, DOMID_SELF));
    expect_error("multicall", hypercall(__HYPERVISOR_multicall, pointer, 1));
    expect_error("set_gdt", hypercall(__HYPERVISOR_set_gdt, pointer, 512));
  }
}

// A result written into a page table would be an update that nobody validated.
void results_into_tables() {
  volatile uint64_t* table = find_entry(address_of(scratch_page(0)), 1).entry;
  const uint64_t before = *table;
  const uint64_t pointer = reinterpret_cast<uint64_t>(table);
  for (const PointerCall& call : kOutputs) {
    expect_error(call.name, hypercall(call.number, call.first, pointer));
  }
  mmu_update_t request = {0, 0};
  hypercall(__HYPERVISOR_mmu_update, address_of(&request), 1, pointer, DOMID_SELF);
  multicall_entry_t* list = reinterpret_cast<multicall_entry_t*>(
      kVirtualBase + (address_of(const_cast<uint64_t*>(table)) - kVirtualBase) / 4096 * 4096);
  hypercall(__HYPERVISOR_multicall, address_of(list), 1);
  if (*table != before) {
    report_success("the entry has changed");
  } else {
    report_harmless("the entry", "unchanged");
  }
}

// Pages that the hypervisor writes by itself would make it write a page table.
void pages_of_the_hypervisor() {
  const uint64_t table = root_mfn();
  vcpu_register_vcpu_info_t request = {table, 0, 0};
  expect_error("vcpu_info in the root",
               hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, address_of(&request)));
  request.mfn = 0;
  expect_error("vcpu_info in frame 0",
               hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, address_of(&request)));
  const uint64_t page = mfn_of_address(scratch_page(2));
  expect_error("accounting in the root",
               hypercall(guest_abi::kHypercallPvmmuOp, guest_abi::kPvmmuOpRegisterAccounting, 0,
                         page, table));
}

void wild_counts() {
  const uint64_t page = address_of(scratch_page(0));
  for (const uint64_t count : kWildCounts) {
    print("count ", Hex{count});
    expect_error("mmu_update", hypercall(__HYPERVISOR_mmu_update, 0, count, 0, DOMID_SELF));
    expect_error("mmuext_op", hypercall(__HYPERVISOR_mmuext_op, 0, count, 0, DOMID_SELF));
    expect_error("multicall", hypercall(__HYPERVISOR_multicall, 0, count));
    expect_error("set_gdt", hypercall(__HYPERVISOR_set_gdt, 0, count));
    expect_error("console_io", hypercall(__HYPERVISOR_console_io, 0, count, 0));
    expect_error("grant_table_op", hypercall(__HYPERVISOR_grant_table_op, 0, page, count));
  }
  sched_poll_t poll = {};
  poll.nr_ports = 0xffffffff;
  expect_error("sched_op poll", hypercall(kSchedOp, SCHEDOP_poll, address_of(&poll)));
  expect_error("vcpu_op on vCPU 8192", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 8192, 0));
  expect_error("vcpu_op on a wild vCPU", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_up, kInvalid, 0));
}

void unknown_calls() {
  unsigned refused = 0;
  const unsigned unknown[] = {9, 11, 27, 34, 36, 41, 44, 47, 48, 56, 60, 63};
  for (const unsigned number : unknown) {
    refused += hypercall(number, kInvalid, kInvalid, kInvalid, kInvalid, kInvalid) < 0 ? 1 : 0;
  }
  print("attack unknown-calls: ", static_cast<int64_t>(refused), " of ",
        static_cast<int64_t>(sizeof unknown / sizeof unknown[0]), " refused");
}

void nested_multicall() {
  multicall_entry_t inner = {};
  inner.op = __HYPERVISOR_xen_version;
  multicall_entry_t outer = {};
  outer.op = __HYPERVISOR_multicall;
  outer.args[0] = address_of(&inner);
  outer.args[1] = 1;
  const int64_t result = hypercall(__HYPERVISOR_multicall, address_of(&outer), 1);
  print("the multicall itself: ", result);
  expect_error("nested", static_cast<int64_t>(outer.result));
  outer.args[0] = address_of(&outer);
  hypercall(__HYPERVISOR_multicall, address_of(&outer), 1);
  expect_error("nested in itself", static_cast<int64_t>(outer.result));
}

// A descriptor table with a gate into ring 0, which only pages that nobody can write may become.
void descriptors() {
  const uint64_t address = address_of(scratch_page(3));
  const uint64_t gdt_mfn = mfn_of_address(scratch_page(3));
  constexpr uint64_t kCallGate = 0x0010ec0000081000;  // to selector 8, usable from ring 3
  *reinterpret_cast<uint64_t*>(scratch_page(3)) = kCallGate;
  uint64_t frames[1] = {gdt_mfn};
  expect_error("a writable page as GDT", hypercall(__HYPERVISOR_set_gdt, address_of(frames), 8));
  const int64_t mapped = update_va_mapping(address, gdt_mfn * kPageSize | kPresent | kUser);
  if (mapped != 0) print("ERROR: the page cannot be made read-only: ", mapped);
  expect_error("a GDT with a call gate", hypercall(__HYPERVISOR_set_gdt, address_of(frames), 8));
  frames[0] = 0;
  expect_error("frame 0 as GDT", hypercall(__HYPERVISOR_set_gdt, address_of(frames), 8));
  expect_error("a descriptor in frame 0",
               hypercall(__HYPERVISOR_update_descriptor, 0, 0x00cffa000000ffff));
  update_va_mapping(address, gdt_mfn * kPageSize | kPresent | kUser | kWritable);
}

}  // namespace

const Attack kArgumentAttacks[] = {{"bad-pointers", bad_pointers, false},
                                   {"results-into-tables", results_into_tables, false},
                                   {"hypervisor-pages", pages_of_the_hypervisor, false},
                                   {"wild-counts", wild_counts, false},
                                   {"unknown-calls", unknown_calls, false},
                                   {"nested-multicall", nested_multicall, false},
                                   {"descriptors", descriptors, false},
                                   {nullptr, nullptr, false}};

}  // namespace test_guest
