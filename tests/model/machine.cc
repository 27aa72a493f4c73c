#include "machine.h"

#include <algorithm>
#include <cstring>

#include "base/pte.h"

namespace pvmmu::model {

namespace {

class TextSink final : public AuditSink {
 public:
  std::span<AuditTally> tallies(size_t) override { return tallies_; }
  void difference(const AuditDifference& found) override {
    text += "frame " + std::to_string(found.frame.raw()) + ": " + found.what + " believed " +
            std::to_string(found.believed) + " counted " + std::to_string(found.counted) + "; ";
  }
  std::string text;

 private:
  std::array<AuditTally, kFrames> tallies_;
};

// Of one call: no tree of this domain has more entries, and no array more requests.
constexpr uint64_t kMostPieces = 10'000;

std::string usage_text(const ReferenceModel::Usage& usage, bool pinned) {
  return std::string(page_type_name(usage.type)) + " " + std::to_string(usage.typed) + "/" +
         std::to_string(usage.total) + " same-level +" + std::to_string(usage.same_level_held) +
         " -" + std::to_string(usage.same_level_named) + (pinned ? " pinned" : "");
}

}  // namespace

Machine::Machine(const Scenario& scenario, Batching batching, ForcedCuts cuts)
    : vcpu_count_(scenario.vcpus),
      batching_(batching),
      frame_table_(kFrames),
      platform_(frame_table_, scenario.vcpus),
      mmu_(platform_, frame_table_, scenario.vcpus, {.count_limit = scenario.count_limit}) {
  for (uint64_t frame = 0; frame < kFrames; ++frame) {
    platform_.write_m2p(Mfn(frame), Pfn(initial_pfn(frame)));
    if (!is_guest_frame(frame)) continue;
    if (frame == kSharedFrame) {
      mmu_.share_frame(Mfn(frame));
    } else {
      mmu_.assign_frame(Mfn(frame), Pfn(initial_pfn(frame)));
    }
  }
  mmu_.pin_initial(PtLevel::kL4, Mfn(kSystemL4));
  for (unsigned vcpu = 0; vcpu < vcpu_count_; ++vcpu) {
    mmu_.set_initial_base_pointer(VcpuId{vcpu}, Mfn(kSystemL4));
  }
  platform_.check_at_rest(roots());
  platform_.set_cuts(cuts);
}

Mfn Machine::root(const Step& step) const {
  const VcpuId vcpu{step.vcpu};
  return step.user ? mmu_.user_base_pointer(vcpu) : mmu_.kernel_base_pointer(vcpu);
}

Outcome Machine::apply(const Step& step) {
  refusal_ = Refusal{};
  const bool kernel_mode = !(step.kind == StepKind::kEmulate && step.user);
  Call call{VcpuId{step.vcpu}, counters_, refusal_, kernel_mode};
  platform_.set_race(may_race(step) ? step.race : Race{});
  if (is_hypercall(step.kind)) platform_.oracle().leave_guest(call.vcpu, kernel_mode);
  switch (step.kind) {
    case StepKind::kUpdate:
    case StepKind::kExt:
      if (batching_ == Batching::kOneByOne) return one_by_one(call, step);
      return step.kind == StepKind::kUpdate ? mmu_update(call, step) : mmuext_op(call, step);
    case StepKind::kVaMapping:
      return answer(mmu_.update_va_mapping(call, LinearAddr(step.address), step.value, step.flags));
    case StepKind::kEmulate:
      return emulate(call, step);
    case StepKind::kDescriptor:
      return answer(mmu_.update_descriptor(call, Maddr(step.address), step.value));
    case StepKind::kRead:
    case StepKind::kWrite:
      return copy(step);
    default:
      return vmm_step(call, step);
  }
}

Outcome Machine::answer(int64_t result) const {
  return {.result = result, .rule = result < 0 ? refusal_.rule : Rule::kNone};
}

uint32_t Machine::operations_done(StepKind kind) const {
  return static_cast<uint32_t>(kind == StepKind::kUpdate ? counters_.ops_mmu_update
                                                         : counters_.ops_mmuext);
}

template <typename MakeCall>
int64_t Machine::in_pieces(MakeCall make_call) {
  int64_t result = make_call();
  const uint64_t start = pieces_;
  for (; result == kPreempted; result = make_call()) {
    ++pieces_;
    if (pieces_ - start > kMostPieces) {
      broken_piece_ = "a call makes no progress";
      return 0;
    }
    if (auto broken = audit(); broken && !broken_piece_) {
      broken_piece_ = "between two pieces " + *broken;
    }
    if (meanwhile_) meanwhile_();
  }
  return result;
}

Outcome Machine::mmu_update(Call& call, const Step& step) {
  const uint32_t before = operations_done(step.kind);
  Outcome outcome = answer(in_pieces([&] {
    return mmu_.mmu_update(call, LinearAddr(step.array), step.count, LinearAddr(step.done),
                           step.foreigndom);
  }));
  outcome.done = operations_done(step.kind) - before;
  return outcome;
}

Outcome Machine::mmuext_op(Call& call, const Step& step) {
  const uint32_t before = operations_done(step.kind);
  Outcome outcome = answer(in_pieces([&] {
    return mmu_.mmuext_op(call, LinearAddr(step.array), step.count, LinearAddr(step.done),
                          step.foreigndom);
  }));
  outcome.done = operations_done(step.kind) - before;
  return outcome;
}

// The same array, element by element in calls of their own. The law: it ends in the same state.
Outcome Machine::one_by_one(Call& call, const Step& step) {
  const bool update = step.kind == StepKind::kUpdate;
  const uint64_t size = element_size(step.kind);
  const bool wraps = step.array + size * step.count < step.array;
  if (step.count <= 1 || wraps || !ReferenceModel::foreigndom_allowed(step.foreigndom, update)) {
    return update ? mmu_update(call, step) : mmuext_op(call, step);
  }
  Step single = step;
  single.count = 1;
  single.done = 0;
  uint32_t done = 0;
  Outcome outcome;
  for (; done < step.count && outcome.result == 0; done += outcome.done) {
    single.array = step.array + size * done;
    outcome = update ? mmu_update(call, single) : mmuext_op(call, single);
  }
  outcome.done = done;
  if (step.done != 0) {
    mmu_.copy_to_guest(mmu_.kernel_base_pointer(call.vcpu), LinearAddr(step.done), &done,
                       sizeof done);
  }
  return outcome;
}

Outcome Machine::emulate(Call& call, const Step& step) {
  const EmulationResult result =
      mmu_.emulate_write(call, root(step), LinearAddr(step.address), step.operation);
  Outcome outcome = answer(return_value(result.error));
  outcome.status = result.status;
  if (result.status == EmulationResult::Status::kDone) {
    outcome.old_value = result.old_value;
    outcome.exchanged = result.exchanged;
  }
  return outcome;
}

Outcome Machine::copy(const Step& step) {
  Outcome outcome;
  const uint64_t size = step.value % (2 * kPageSize);
  std::vector<uint64_t> bytes(size / 8 + 1);
  if (step.kind == StepKind::kRead) {
    outcome.result = mmu_.copy_from_guest(root(step), bytes.data(), LinearAddr(step.address), size);
    if (outcome.result != 0) outcome.bytes = bytes;
  } else {
    std::fill(bytes.begin(), bytes.end(), step.flags);
    outcome.result = mmu_.copy_to_guest(root(step), LinearAddr(step.address), bytes.data(), size);
  }
  return outcome;
}

bool Machine::poke(Call& call, Maddr place, uint64_t value) {
  if (mmu_.get_writable(call, "poke", place.frame()) != 0) return false;
  platform_.write_bytes(place, &value, sizeof value);
  mmu_.put_writable(place.frame());
  return true;
}

Outcome Machine::get_writable(Call& call, Mfn frame) {
  const Outcome outcome = answer(mmu_.get_writable(call, "get_writable", frame));
  if (outcome.result == 0) ++writable_[frame.raw()];
  return outcome;
}

Outcome Machine::get_descriptors(Call& call, Mfn frame) {
  const Outcome outcome = answer(mmu_.get_descriptor_table(call, frame));
  if (outcome.result == 0) ++descriptors_[frame.raw()];
  return outcome;
}

bool Machine::put(Mfn frame, std::array<unsigned, kFrames>& held, void (Mmu::*give_back)(Mfn)) {
  if (!exists(frame.raw()) || held[frame.raw()] == 0) return false;
  --held[frame.raw()];
  (mmu_.*give_back)(frame);
  return true;
}

Outcome Machine::set_base(VcpuId vcpu, const Step& step) {
  platform_.oracle().drop(vcpu);
  Refusal why;
  const Mfn user = step.value == 0 ? kInvalidMfn : Mfn(step.value);
  const int result = mmu_.set_initial_base_pointer(vcpu, Mfn(step.address), user, &why);
  return {.result = result, .rule = result < 0 ? why.rule : Rule::kNone};
}

Outcome Machine::vmm_step(Call& call, const Step& step) {
  const Mfn frame(step.address);
  switch (step.kind) {
    case StepKind::kPoke:
      return {.result = poke(call, Maddr(step.address & ~uint64_t{7}), step.value)};
    case StepKind::kGetWritable:
      return get_writable(call, frame);
    case StepKind::kPutWritable:
      return {.result = put(frame, writable_, &Mmu::put_writable)};
    case StepKind::kGetDescriptors:
      return get_descriptors(call, frame);
    case StepKind::kPutDescriptors:
      return {.result = put(frame, descriptors_, &Mmu::put_descriptor_table)};
    case StepKind::kReload:
      mmu_.note_flush(call.vcpu);
      platform_.oracle().drop(call.vcpu);
      return {};
    case StepKind::kSetBase:
      return set_base(call.vcpu, step);
    case StepKind::kDropBase:
      platform_.oracle().drop(call.vcpu);
      mmu_.drop_base_pointers(call.vcpu);
      return {};
    default:
      return {};
  }
}

void Machine::processor_store(unsigned vcpu, bool user, uint64_t address, uint64_t machine_address,
                              uint64_t value) {
  const VcpuId id{vcpu};
  const Mfn from = user ? mmu_.user_base_pointer(id) : mmu_.kernel_base_pointer(id);
  const WalkResult walked = mmu_.walk(from, LinearAddr(address & ~uint64_t{7}), {.write = true});
  for (unsigned i = 0; i < walked.step_count; ++i) {
    const uint64_t bits = kPteAccessed | (i + 1 == walked.step_count ? kPteDirty : 0);
    platform_.store(walked.steps[i].table.raw(), walked.steps[i].slot,
                    walked.steps[i].entry | bits);
  }
  platform_.store(machine_address / kPageSize,
                  static_cast<unsigned>(machine_address % kPageSize / 8), value);
}

std::vector<TlbOracle::Roots> Machine::roots() const {
  std::vector<TlbOracle::Roots> roots;
  for (unsigned vcpu = 0; vcpu < vcpu_count_; ++vcpu) roots.push_back(roots_of(vcpu));
  return roots;
}

TlbOracle::Roots Machine::roots_of(unsigned vcpu) const {
  return {mmu_.kernel_base_pointer(VcpuId{vcpu}), mmu_.user_base_pointer(VcpuId{vcpu})};
}

std::optional<std::string> Machine::check_meanwhile(unsigned vcpu) {
  platform_.oracle().resume_one(VcpuId{vcpu}, roots_of(vcpu));
  platform_.oracle().check_tables();
  if (auto broken = audit()) return broken;
  if (broken_piece_) return broken_piece_;
  return platform_.finding();
}

void Machine::guest_store(unsigned vcpu, bool user, uint64_t address, uint64_t value) {
  const VcpuId id{vcpu};
  const Mfn from = user ? mmu_.user_base_pointer(id) : mmu_.kernel_base_pointer(id);
  const WalkResult walked =
      mmu_.walk(from, LinearAddr(address & ~uint64_t{7}), {.write = true, .user = true});
  if (walked.ok) processor_store(vcpu, user, address, walked.address.raw(), value);
}

std::optional<std::string> Machine::check(const ReferenceModel& model) {
  if (auto broken = compare_roots(model)) return broken;
  if (auto broken = compare_books(model)) return broken;
  return check_books();
}

std::optional<std::string> Machine::check_books() {
  if (auto broken = audit()) return broken;
  if (broken_piece_) return broken_piece_;
  platform_.check_at_rest(roots());
  return platform_.finding();
}

std::optional<std::string> Machine::compare_roots(const ReferenceModel& model) const {
  for (unsigned vcpu = 0; vcpu < vcpu_count_; ++vcpu) {
    const auto& wanted = model.roots(vcpu);
    const Mfn kernel = wanted.kernel ? Mfn(*wanted.kernel) : kInvalidMfn;
    const Mfn user = wanted.user ? Mfn(*wanted.user) : kInvalidMfn;
    if (mmu_.kernel_base_pointer(VcpuId{vcpu}) != kernel ||
        mmu_.user_base_pointer(VcpuId{vcpu}) != user) {
      return "the base pointers of vCPU " + std::to_string(vcpu) + " differ";
    }
  }
  return std::nullopt;
}

std::optional<std::string> Machine::compare_books(const ReferenceModel& model) const {
  for (uint64_t frame = 0; frame < kFrames; ++frame) {
    const PageInfo& page = frame_table_[frame];
    const ReferenceModel::Usage& wanted = model.usage(frame);
    const int linear =
        static_cast<int>(wanted.same_level_held) - static_cast<int>(wanted.same_level_named);
    if (page.type == wanted.type && page.type_count == wanted.typed &&
        page.total_count == wanted.total && page.linear_count == linear &&
        page.pinned == model.pinned(frame)) {
      continue;
    }
    return "frame " + std::to_string(frame) + ": the MMU has " + page_type_name(page.type) + " " +
           std::to_string(page.type_count) + "/" + std::to_string(page.total_count) +
           " same-level " + std::to_string(page.linear_count) + (page.pinned ? " pinned" : "") +
           ", the model " + usage_text(wanted, model.pinned(frame));
  }
  return std::nullopt;
}

std::optional<std::string> Machine::audit() {
  TextSink sink;
  if (mmu_.audit(sink)) return std::nullopt;
  return "audit: " + sink.text;
}

}  // namespace pvmmu::model
