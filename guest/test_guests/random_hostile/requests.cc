#include "random_hostile/requests.h"

namespace random_hostile {
namespace {

struct Weighted {
  unsigned weight;
  RequestMaker maker;
};

constexpr Weighted kMakers[] = {{30, make_mmu_update},      {22, make_mmuext_op},
                                {22, make_va_mapping},      {3, make_update_descriptor},
                                {2, make_set_gdt},          {1, make_debug_register},
                                {1, make_segment_base},     {1, make_console_io},
                                {2, make_xen_version},      {2, make_memory_op},
                                {1, make_vm_assist},        {1, make_physdev_op},
                                {3, make_event_channel_op}, {2, make_sched_op},
                                {3, make_vcpu_op},          {1, make_timer},
                                {1, make_private},          {8, make_accelerator},
                                {1, make_nested_multicall}, {1, make_unknown}};

constexpr unsigned sum_of_weights() {
  unsigned sum = 0;
  for (const Weighted& maker : kMakers) sum += maker.weight;
  return sum;
}

}  // namespace

Request random_request(Cpu& cpu) {
  unsigned chosen = cpu.random.below(sum_of_weights());
  const Weighted* maker = kMakers;
  while (chosen >= maker->weight) chosen -= maker++->weight;
  return maker->maker(cpu);
}

int64_t make_call(Cpu& cpu, const Request& request) {
  const auto& a = request.arguments;
  const int64_t result = cpu.call(request.number, a[0], a[1], a[2], a[3], a[4]);
  // A list at a wild place may have been read as calls that take the handlers away.
  if (request.number == __HYPERVISOR_multicall) restore_handlers();
  return result;
}

multicall_entry_t list_entry(const Request& request) {
  multicall_entry_t entry = {};
  entry.op = request.number;
  for (unsigned i = 0; i < 6; ++i) entry.args[i] = request.arguments[i];
  return entry;
}

}  // namespace random_hostile
