#include "probe/kvm_probe.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "guest_abi/monitor.h"
#include "probe/scratch_machine.h"

namespace vmm {
namespace {

constexpr unsigned kBreakpoint = 3, kInvalidOpcode = 6, kGeneralProtection = 13, kPageFault = 14;
constexpr unsigned kTimedRounds = 31;
constexpr uint8_t kSyscall[] = {0x0f, 0x05};
constexpr uint8_t kInterrupt82[] = {0xcd, 0x82};
// mov (%rsi),%rax; int3
constexpr uint8_t kLoad[] = {0x48, 0x8b, 0x06, 0xcc};

absl::Status unexpected(const char* what, const Trap& trap) {
  if (trap.kind == Trap::Kind::kFailed)
    return absl::UnavailableError(absl::StrCat(what, ": ", trap.failure));
  return absl::UnavailableError(
      absl::StrFormat("%s: unexpected trap, vector %u", what, trap.vector));
}

bool is_exception(const Trap& trap, unsigned vector) {
  return trap.kind == Trap::Kind::kException && trap.vector == vector;
}

absl::Status probe_syscall(ScratchMachine& machine, KvmTraits& traits) {
  GuestRegisters registers{};
  const Trap trap = machine.run(kSyscall, registers);
  if (trap.kind == Trap::Kind::kSyscall) {
    traits.syscall_raises_privilege = true;
  } else if (is_exception(trap, kGeneralProtection) && registers.rip == guest_abi::kGatePage) {
    traits.syscall_raises_privilege = false;
  } else {
    return unexpected("syscall at CPL3", trap);
  }
  return absl::OkStatus();
}

absl::Status probe_interrupt(ScratchMachine& machine, KvmTraits& traits) {
  GuestRegisters registers{};
  const Trap trap = machine.run(kInterrupt82, registers);
  if (!is_exception(trap, 0x82) && !is_exception(trap, kInvalidOpcode)) {
    return unexpected("int $0x82 at CPL3", trap);
  }
  traits.interrupt_gate_works = trap.vector == 0x82;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> load(ScratchMachine& machine, uint64_t address) {
  GuestRegisters registers{};
  registers.rsi = address;
  const Trap trap = machine.run(kLoad, registers);
  if (!is_exception(trap, kBreakpoint)) return unexpected("load at CPL3", trap);
  return registers.rax;
}

// Changes a page-table entry in use from the host and looks which frame the processor reads.
absl::Status probe_coherence(ScratchMachine& machine, KvmTraits& traits) {
  traits.host_writes_visible = true;
  for (unsigned round = 0; round < 4; ++round) {
    const unsigned frame = round % ScratchMachine::kDataFrames;
    machine.set_data_frame(frame);
    machine.flush();
    auto value = load(machine, ScratchMachine::kData);
    if (!value.ok()) return value.status();
    if (*value == frame + 1) continue;
    traits.host_writes_visible = false;
    if (auto status = machine.touch_data_entry(); !status.ok()) return status;
    machine.flush();
    value = load(machine, ScratchMachine::kData);
    if (!value.ok()) return value.status();
    if (*value != frame + 1) {
      return absl::UnavailableError(
          "this KVM does not see page-table entries that the host changed, even when touched");
    }
  }
  return absl::OkStatus();
}

absl::Status probe_slot_256(ScratchMachine& machine, KvmTraits& traits) {
  GuestRegisters registers{};
  registers.rsi = guest_abi::kM2pXenBase;
  const Trap trap = machine.run(kLoad, registers);
  if (!is_exception(trap, kBreakpoint) && !is_exception(trap, kPageFault)) {
    return unexpected("load from L4 slot 256", trap);
  }
  traits.slot_256_usable = trap.vector == kBreakpoint;
  return absl::OkStatus();
}

double median_microseconds(const std::function<void()>& action) {
  std::vector<double> samples;
  for (unsigned i = 0; i < kTimedRounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    action();
    const std::chrono::duration<double, std::micro> taken =
        std::chrono::steady_clock::now() - start;
    samples.push_back(taken.count());
  }
  std::nth_element(samples.begin(), samples.begin() + kTimedRounds / 2, samples.end());
  return samples[kTimedRounds / 2];
}

absl::Status probe_costs(ScratchMachine& machine, KvmTraits& traits) {
  absl::Status status;
  traits.exit_microseconds =
      median_microseconds([&] { status.Update(machine.processor().bare_round_trip()); });
  if (!status.ok()) return status;
  GuestRegisters registers{};
  const double by_interrupt = median_microseconds([&] { machine.run(kInterrupt82, registers); });
  const double by_syscall = median_microseconds([&] { machine.run(kSyscall, registers); });
  // `syscall` is the natural gate; the other one must be clearly better.
  const bool interrupt = by_interrupt < 0.9 * by_syscall;
  traits.gate = interrupt ? HypercallGate::kInterrupt82 : HypercallGate::kSyscall;
  traits.round_trip_microseconds = interrupt ? by_interrupt : by_syscall;
  return absl::OkStatus();
}

const char* gate_name(HypercallGate gate) {
  return gate == HypercallGate::kSyscall ? "syscall" : "int 0x82";
}

}  // namespace

absl::StatusOr<KvmTraits> probe_kvm() {
  KvmTraits traits;
  auto machine = ScratchMachine::create();
  if (!machine.ok()) return machine.status();
  for (const auto probe :
       {probe_syscall, probe_interrupt, probe_coherence, probe_slot_256, probe_costs}) {
    if (auto status = probe(**machine, traits); !status.ok()) return status;
  }
  return traits;
}

std::string describe(const KvmTraits& traits) {
  return absl::StrCat(
      "paging:         ",
      traits.host_writes_visible
          ? "nested (EPT or NPT): page tables written by the host are what the processor walks\n"
          : "shadow: the KVM keeps its own copy of the guest's page tables\n",
      "coherence:      ",
      traits.host_writes_visible
          ? "TLB drop by a CR3 load\n"
          : "locked touch of each changed entry by ring 0, then a CR3 load\n",
      "syscall:        ",
      traits.syscall_raises_privilege ? "enters ring 0\n"
                                      : "stays at CPL3; caught as a fault at LSTAR\n",
      "int $0x82:      ",
      traits.interrupt_gate_works ? "delivered through the IDT\n" : "#UD; decoded\n",
      "L4 slot 256:    ",
      traits.slot_256_usable ? "usable at CPL3\n" : "unusable at CPL3; reads are emulated\n",
      "hypercall gate: ", gate_name(traits.gate), "\n",
      absl::StrFormat("exit:           %.1f us from ring 0 to the VMM and back\n",
                      traits.exit_microseconds),
      absl::StrFormat("round trip:     %.1f us from CPL3 through the gate and back\n",
                      traits.round_trip_microseconds));
}

std::string to_json(const KvmTraits& traits) {
  const nlohmann::ordered_json json = {
      {"schema", "pvmmu-probe-1"},
      {"paging", traits.host_writes_visible ? "nested" : "shadow"},
      {"coherence", traits.host_writes_visible ? "cr3-load" : "touch+cr3-load"},
      {"syscall_raises_privilege", traits.syscall_raises_privilege},
      {"interrupt_gate_works", traits.interrupt_gate_works},
      {"slot_256_usable", traits.slot_256_usable},
      {"gate", gate_name(traits.gate)},
      {"exit_microseconds", traits.exit_microseconds},
      {"round_trip_microseconds", traits.round_trip_microseconds},
  };
  return json.dump();
}

}  // namespace vmm
