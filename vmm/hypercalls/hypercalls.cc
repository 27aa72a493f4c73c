#include "hypercalls/hypercalls.h"

namespace vmm {
namespace {

// Three calls have a present and an older number. The public names of the present ones change their
// meaning with the interface version that a file was compiled for; the numbers do not.
constexpr unsigned kSchedOpCompat = 6;
constexpr unsigned kEventChannelOpCompat = 16;
constexpr unsigned kSchedOp = 29;
constexpr unsigned kEventChannelOp = 32;
constexpr unsigned kPhysdevOp = 33;

}  // namespace

using pvmmu::LinearAddr;

Hypercalls::Hypercalls(const HypercallConfig& config, const Services& services,
                       shared_info_t& shared_info)
    : config_(config),
      services_(services),
      places_(shared_info, config.vcpu_count, services.frames),
      events_(shared_info, places_, services.vcpus),
      clock_(shared_info, places_, services.clock),
      run_states_(config.vcpu_count, services.clock),
      vcpus_(config.vcpu_count) {
  clock_.update_wall_clock();
  for (unsigned vcpu = 0; vcpu < config_.vcpu_count; ++vcpu) clock_.update(VcpuId{vcpu});
  vcpus_.front().stage = Stage::kReady;
  if (config_.console_ring) {
    console_ring_.emplace(*config_.console_ring, services_.frames, services_.console);
    console_port_ = events_.allocate_vmm_port([this] { drain_console(); });
  }
}

Hypercalls::~Hypercalls() = default;

std::optional<HypercallOutcome> Hypercalls::handle(VcpuId vcpu, GuestAccess& access,
                                                   unsigned number,
                                                   const uint64_t (&arguments)[6]) {
  end_poll(vcpu);
  const HypercallOutcome outcome = dispatch({vcpu, access}, number, arguments);
  if (outcome.result == -XEN_ENOSYS) return std::nullopt;
  return outcome;
}

// Commands and counts are 32-bit in Xen's interface: upper halves of their registers are ignored.
HypercallOutcome Hypercalls::dispatch(const Caller& caller, unsigned number,
                                      const uint64_t (&arguments)[6]) {
  const auto command = static_cast<uint32_t>(arguments[0]);
  const LinearAddr pointer(arguments[1]);
  switch (number) {
    case kSchedOp:
      return sched_op(caller, command, pointer);
    case kSchedOpCompat:
      return sched_op_compat(caller, command, arguments[1]);
    case __HYPERVISOR_vcpu_op:
      return vcpu_op(caller, command, arguments[1], LinearAddr(arguments[2]));
    case kEventChannelOp:
      return {.result = events_.event_channel_op(caller.access, command, pointer)};
    case kEventChannelOpCompat:
      return {.result = events_.event_channel_op_compat(caller.access, LinearAddr(arguments[0]))};
    case __HYPERVISOR_set_timer_op:
      return {.result = set_timer_op(caller, arguments[0])};
    case __HYPERVISOR_console_io:
      return {.result = console_io(caller, command, static_cast<uint32_t>(arguments[1]),
                                   LinearAddr(arguments[2]))};
    case __HYPERVISOR_xen_version:
      return {.result = xen_version(caller, command, pointer)};
    case __HYPERVISOR_memory_op:
      return {.result = memory_op(caller, command, pointer)};
    case __HYPERVISOR_vm_assist:
      return {.result = vm_assist(command, static_cast<uint32_t>(arguments[1]))};
    case kPhysdevOp:
      return {.result = physdev_op(caller, command, pointer)};
    default:
      return {.result = -XEN_ENOSYS};
  }
}

void Hypercalls::timer_expired(VcpuId vcpu) {
  events_.raise_virq(vcpu, VIRQ_TIMER);
}

unsigned Hypercalls::iopl(VcpuId vcpu) const {
  return vcpus_[vcpu_index(vcpu)].iopl;
}

uint64_t Hypercalls::assists() const {
  return assists_;
}

void Hypercalls::drain_console() {
  // The guest may wait for room in its ring.
  if (console_ring_ && console_ring_->drain()) events_.raise(console_port_);
}

int64_t Hypercalls::vm_assist(unsigned command, uint32_t type) {
  constexpr uint64_t kKnown =
      uint64_t{1} << VMASST_TYPE_4gb_segments | uint64_t{1} << VMASST_TYPE_4gb_segments_notify |
      uint64_t{1} << VMASST_TYPE_writable_pagetables | uint64_t{1} << VMASST_TYPE_pae_extended_cr3 |
      uint64_t{1} << VMASST_TYPE_architectural_iopl |
      uint64_t{1} << VMASST_TYPE_runstate_update_flag | uint64_t{1} << VMASST_TYPE_m2p_strict;
  if (type >= 64 || (kKnown >> type & 1) == 0) return -XEN_EINVAL;
  switch (command) {
    case VMASST_CMD_enable:
      assists_.fetch_or(uint64_t{1} << type);
      return 0;
    case VMASST_CMD_disable:
      assists_.fetch_and(~(uint64_t{1} << type));
      return 0;
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace vmm
