// Requests that are not about page tables.
#include "guest_abi/accelerator.h"
#include "guest_abi/accounting.h"
#include "random_hostile/clock.h"
#include "random_hostile/pool.h"
#include "random_hostile/requests.h"
#include "random_hostile/values.h"

namespace random_hostile {
namespace {

constexpr unsigned kWildVcpus = 5;  // more than there are

// A vCPU's number; not often one that does not exist.
uint64_t random_vcpu(Random& random) {
  return random.percent(90) ? random.below(kWildVcpus) : random.next();
}

// A structure of small numbers, which many operations understand.
uint32_t* small_numbers(Cpu& cpu, unsigned count) {
  auto* words = cpu.allocate_array<uint32_t>(count);
  for (unsigned i = 0; i < count; ++i) {
    const unsigned kind = cpu.random.below(10);
    words[i] = kind < 7   ? cpu.random.below(8)
               : kind < 8 ? DOMID_SELF
               : kind < 9 ? cpu.random.below(5000)
                          : static_cast<uint32_t>(cpu.random.next());
  }
  return words;
}

uint64_t random_deadline(Random& random) {
  constexpr uint64_t kWild[] = {1, ~uint64_t{0}, uint64_t{1} << 63, uint64_t{1} << 40};
  return random.percent(70) ? system_time() + random.below(2'000'000) : random.pick(kWild);
}

}  // namespace

Request make_debug_register(Cpu& cpu) {
  Random& random = cpu.random;
  const uint64_t number = random.percent(90) ? random.below(9) : random.next();
  if (random.one_in(2)) return {__HYPERVISOR_get_debugreg, {number}};
  return {__HYPERVISOR_set_debugreg, {number, random.next()}};
}

Request make_segment_base(Cpu& cpu) {
  Random& random = cpu.random;
  const uint64_t base = random.percent(70) ? random_mapped_address(random) : random.next();
  return {__HYPERVISOR_set_segment_base, {random.below(5), base}};
}

// Little text, since somebody may read it.
Request make_console_io(Cpu& cpu) {
  Random& random = cpu.random;
  if (random.one_in(8)) return {__HYPERVISOR_console_io, {random.below(4), 100, bad_pointer(cpu)}};
  auto* text = cpu.allocate_array<char>(8);
  for (unsigned i = 0; i < 8; ++i) text[i] = '.';
  if (random.percent(98)) {
    return {__HYPERVISOR_console_io, {CONSOLEIO_read, maybe_huge(random, 8), address_of(text)}};
  }
  return {__HYPERVISOR_console_io, {CONSOLEIO_write, 1 + random.below(8), address_of(text)}};
}

Request make_xen_version(Cpu& cpu) {
  auto* room = cpu.allocate_array<uint8_t>(1024);
  return {__HYPERVISOR_xen_version, {cpu.random.below(13), maybe_bad(cpu, room)}};
}

Request make_memory_op(Cpu& cpu) {
  const uint64_t command = cpu.random.below(40) | (cpu.random.percent(5) ? 0x80 : 0);
  return {__HYPERVISOR_memory_op, {command, maybe_bad(cpu, small_numbers(cpu, 16))}};
}

Request make_vm_assist(Cpu& cpu) {
  return {__HYPERVISOR_vm_assist, {cpu.random.below(3), cpu.random.below(40)}};
}

Request make_physdev_op(Cpu& cpu) {
  return {test_guest::kPhysdevOp, {cpu.random.below(32), maybe_bad(cpu, small_numbers(cpu, 8))}};
}

Request make_event_channel_op(Cpu& cpu) {
  Random& random = cpu.random;
  // Resetting, and so losing the timer's event, is rarer than the rest.
  unsigned command = random.below(14);
  if (command == EVTCHNOP_reset && !random.one_in(10)) command = EVTCHNOP_send;
  return {test_guest::kEventChannelOp, {command, maybe_bad(cpu, small_numbers(cpu, 8))}};
}

// Neither shutdown nor block; polls end at once, or soon.
Request make_sched_op(Cpu& cpu) {
  Random& random = cpu.random;
  switch (random.below(6)) {
    case 0:
      return {test_guest::kSchedOp, {SCHEDOP_yield}};
    case 1: {
      // Neither canonical, nor below the end: nothing the guest maps makes them readable.
      constexpr uint64_t kUnreadable[] = {uint64_t{1} << 47, uint64_t{3} << 47, 0ULL - 2};
      return {test_guest::kSchedOp, {SCHEDOP_shutdown, random.pick(kUnreadable)}};
    }
    case 2: {
      auto* poll = cpu.allocate_array<sched_poll_t>(1);
      auto* ports = small_numbers(cpu, 64);
      poll->nr_ports = static_cast<uint32_t>(maybe_huge(random, random.below(64)));
      poll->timeout = random.one_in(4) ? system_time() + random.below(100'000) : 1;
      set_xen_guest_handle(poll->ports, ports);
      return {test_guest::kSchedOp, {SCHEDOP_poll, address_of(poll)}};
    }
    case 3:
      return {test_guest::kSchedOp, {SCHEDOP_shutdown_code, maybe_bad(cpu, small_numbers(cpu, 2))}};
    default:
      return {test_guest::kSchedOp, {4 + random.below(8), maybe_bad(cpu, small_numbers(cpu, 8))}};
  }
}

// Neither up nor down, nor a vCPU that could start from nonsense.
Request make_vcpu_op(Cpu& cpu) {
  constexpr unsigned kCommands[] = {VCPUOP_is_up,
                                    VCPUOP_get_runstate_info,
                                    VCPUOP_register_runstate_memory_area,
                                    VCPUOP_set_periodic_timer,
                                    VCPUOP_stop_periodic_timer,
                                    VCPUOP_stop_singleshot_timer,
                                    VCPUOP_get_physid,
                                    VCPUOP_send_nmi,
                                    VCPUOP_register_vcpu_time_memory_area,
                                    99};
  Random& random = cpu.random;
  const uint64_t target = random.percent(50) ? cpu.id : random_vcpu(random);
  const unsigned kind = random.below(20);
  if (kind == 0) {
    auto* place = cpu.allocate_array<vcpu_register_vcpu_info_t>(1);
    *place = {.mfn = random_mfn(random), .offset = random.below(4200) & ~7u, .rsvd = 0};
    return {__HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, target, maybe_bad(cpu, place)}};
  }
  if (kind < 4) {
    auto* timer = cpu.allocate_array<vcpu_set_singleshot_timer_t>(1);
    *timer = {.timeout_abs_ns = random_deadline(random), .flags = random.below(3)};
    return {__HYPERVISOR_vcpu_op, {VCPUOP_set_singleshot_timer, target, maybe_bad(cpu, timer)}};
  }
  auto* words = cpu.allocate_array<uint64_t>(8);
  words[0] = random.one_in(2) ? random_mapped_address(random) : bad_pointer(cpu);
  return {__HYPERVISOR_vcpu_op, {random.pick(kCommands), target, maybe_bad(cpu, words)}};
}

Request make_timer(Cpu& cpu) {
  return {__HYPERVISOR_set_timer_op, {cpu.random.one_in(4) ? 0 : random_deadline(cpu.random)}};
}

// The accounting of the built-in guest: frames that the VMM reads from then on, whatever they hold.
Request make_private(Cpu& cpu) {
  Random& random = cpu.random;
  return {guest_abi::kHypercallPvmmuOp,
          {random.percent(80) ? guest_abi::kPvmmuOpRegisterAccounting : random.below(8),
           random_vcpu(random), random_mfn(random), random_mfn(random)}};
}

// The accelerator: few contexts, pages and tags, so that requests meet. Nobody answers its faults
// but by chance.
Request make_accelerator(Cpu& cpu) {
  using guest_abi::AcceleratorOp;
  Random& random = cpu.random;
  const auto page = [&random] { return uint64_t{random.below(8)} << 12; };
  auto op = static_cast<AcceleratorOp>(random.below(10));
  // What ends everything is rarer than the rest.
  if (op == AcceleratorOp::kStop && !random.one_in(10)) op = AcceleratorOp::kSubmit;
  if (op == AcceleratorOp::kClose && !random.one_in(4)) op = AcceleratorOp::kEstablish;
  Request request = {guest_abi::kHypercallPvmmuOp,
                     {guest_abi::kPvmmuOpAccelerator, static_cast<uint64_t>(op), random.below(3),
                      random.percent(95) ? page() : random.next(), page()}};
  uint64_t(&arguments)[6] = request.arguments;
  if (op == AcceleratorOp::kStart || op == AcceleratorOp::kEstablish) {
    arguments[op == AcceleratorOp::kStart ? 2 : 4] = random_mfn(random);
    arguments[5] = random.below(2);
  } else if (op == AcceleratorOp::kSubmit) {
    auto* command = cpu.allocate_array<guest_abi::AcceleratorCommand>(1);
    *command = {
        random.below(5), random.below(34),           random.below(3), page() + 8 * random.below(9),
        page(),          random.below(3) * 4096 + 8, random.next(),   random.next()};
    arguments[2] = maybe_bad(cpu, command);
  } else if (op == AcceleratorOp::kClearYoung) {
    arguments[4] = random.below(600);
    arguments[5] = random_mapped_address(random);
  } else if (op == AcceleratorOp::kResume) {
    arguments[2] = random.below(34);
    arguments[3] = random.below(3);
    arguments[4] = random.below(3);
  }
  return request;
}

Request make_unknown(Cpu& cpu) {
  constexpr unsigned kUnknown[] = {7,  9,  11, 15, 16, 19, 20, 22, 27, 31, 34, 35, 36,
                                   37, 38, 39, 40, 41, 42, 44, 47, 48, 49, 50, 51, 52,
                                   53, 54, 56, 57, 58, 59, 60, 61, 62, 63, 64, 90, 127};
  Random& random = cpu.random;
  return {random.pick(kUnknown),
          {random.next(), random_mapped_address(random), random.next(), random.below(10),
           bad_pointer(cpu)}};
}

}  // namespace random_hostile
