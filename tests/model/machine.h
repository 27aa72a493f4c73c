// The real MMU on the small domain: carries out steps through class pvmmu::Mmu.
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checked_platform.h"
#include "pvmmu/mmu.h"
#include "reference_model.h"
#include "step.h"

namespace pvmmu::model {

// How arrays of requests reach the MMU.
enum class Batching { kWhole, kOneByOne };

class Machine {
 public:
  Machine(const Scenario& scenario, Batching batching, ForcedCuts cuts = ForcedCuts::never());

  Outcome apply(const Step& step);
  // Called between two pieces of a call; may apply steps of vCPUs that are not in a call.
  void set_meanwhile(std::function<void()> meanwhile) { meanwhile_ = std::move(meanwhile); }
  // After a step during which others may be in the middle of theirs: what broke, in words.
  std::optional<std::string> check_meanwhile(unsigned vcpu);
  // A processor's store, if the tables let it.
  void guest_store(unsigned vcpu, bool user, uint64_t address, uint64_t value);
  // The same store that the model's processor made: it ended at this machine address.
  void processor_store(unsigned vcpu, bool user, uint64_t address, uint64_t machine_address,
                       uint64_t value);

  // After each step, with nobody in the middle of one: what broke, in words.
  std::optional<std::string> check(const ReferenceModel& model);
  // The part of it that needs no model.
  std::optional<std::string> check_books();
  // Frames that changed since the last call.
  uint64_t take_changed_frames() { return platform_.take_changed_frames(); }
  const Image& memory() const { return platform_.memory(); }
  const std::array<uint64_t, kFrames>& pfns() const { return platform_.pfns(); }

  Mmu& mmu() { return mmu_; }
  const MmuCounters& counters() const { return counters_; }
  const Refusal& refusal() const { return refusal_; }
  uint64_t pieces() const { return pieces_; }  // of calls, but for their last ones
  uint64_t truncations() { return platform_.oracle().truncations(); }

 private:
  // Makes the call again until it is done, with a recount after every piece.
  template <typename MakeCall>
  int64_t in_pieces(MakeCall make_call);
  Outcome mmu_update(Call& call, const Step& step);
  Outcome mmuext_op(Call& call, const Step& step);
  Outcome one_by_one(Call& call, const Step& step);
  Outcome emulate(Call& call, const Step& step);
  Outcome copy(const Step& step);
  Outcome vmm_step(Call& call, const Step& step);
  bool poke(Call& call, Maddr place, uint64_t value);
  Outcome get_writable(Call& call, Mfn frame);
  Outcome get_descriptors(Call& call, Mfn frame);
  bool put(Mfn frame, std::array<unsigned, kFrames>& held, void (Mmu::*give_back)(Mfn));
  Outcome set_base(VcpuId vcpu, const Step& step);
  Outcome answer(int64_t result) const;
  uint32_t operations_done(StepKind kind) const;
  Mfn root(const Step& step) const;
  TlbOracle::Roots roots_of(unsigned vcpu) const;
  std::vector<TlbOracle::Roots> roots() const;
  std::optional<std::string> compare_books(const ReferenceModel& model) const;
  std::optional<std::string> compare_roots(const ReferenceModel& model) const;
  std::optional<std::string> audit();

  const unsigned vcpu_count_;
  const Batching batching_;
  std::vector<PageInfo> frame_table_;
  CheckedPlatform platform_;
  Mmu mmu_;
  MmuCounters counters_;
  Refusal refusal_;
  uint64_t pieces_ = 0;
  std::function<void()> meanwhile_;
  std::optional<std::string> broken_piece_;
  // References that the VMM holds, so that it gives back none that it has not.
  std::array<unsigned, kFrames> writable_{};
  std::array<unsigned, kFrames> descriptors_{};
};

}  // namespace pvmmu::model
