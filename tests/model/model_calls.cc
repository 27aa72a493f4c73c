// What is asked of the model: hypercalls, emulated stores, and what the VMM does. Each is the list
// of its rules, in the order in which they answer.
#include "pvmmu/mmu.h"
#include "reference_model.h"

namespace pvmmu::model {

namespace {

uint64_t frame_at(uint64_t machine_address) {
  return machine_address >> kPageShift;
}

unsigned slot_at(uint64_t machine_address) {
  return static_cast<unsigned>(machine_address % kPageSize / 8);
}

// Errno::kOk is no refusal.
Outcome refused(Errno error, Rule rule) {
  return {.result = return_value(error), .rule = rule};
}

// What the instruction makes of what it finds; nothing if it writes nothing.
std::optional<uint64_t> value_to_store(const WriteOperation& operation, uint64_t found,
                                       uint64_t mask) {
  switch (operation.kind) {
    case WriteOperation::Kind::kStore:
    case WriteOperation::Kind::kExchange:
      return operation.operand;
    case WriteOperation::Kind::kCompareExchange:
      if (found != (operation.comparand & mask)) return std::nullopt;
      return operation.operand;
    case WriteOperation::Kind::kAnd:
      return found & operation.operand;
    case WriteOperation::Kind::kOr:
    case WriteOperation::Kind::kBitSet:
      return found | operation.operand;
    case WriteOperation::Kind::kBitReset:
      return found & ~operation.operand;
  }
  return std::nullopt;
}

}  // namespace

ReferenceModel::ReferenceModel(const Scenario& scenario)
    : count_limit_(scenario.count_limit), memory_(initial_image()), roots_(scenario.vcpus) {
  for (const size_t place : initial_places()) {
    used_slots_.insert(static_cast<unsigned>(place % kEntriesPerTable));
  }
  for (uint64_t frame = 0; frame < kFrames; ++frame) pfns_[frame] = initial_pfn(frame);
  derive_books();
  apply_operation(0, {MMUEXT_PIN_L4_TABLE, kSystemL4, 0});
  for (unsigned vcpu = 0; vcpu < scenario.vcpus; ++vcpu) load_base(vcpu, kSystemL4, false);
}

Outcome ReferenceModel::apply(const Step& step) {
  race_ = may_race(step) ? step.race : Race{};
  switch (step.kind) {
    case StepKind::kUpdate:
      return mmu_update(step);
    case StepKind::kExt:
      return mmuext_op(step);
    case StepKind::kVaMapping:
      return update_va_mapping(step);
    case StepKind::kEmulate:
      return emulate(step);
    case StepKind::kDescriptor:
      return update_descriptor(step);
    case StepKind::kRead:
    case StepKind::kWrite:
      return copy(step);
    case StepKind::kSetBase:
      return set_base(step);
    default:
      return vmm_step(step);
  }
}

bool ReferenceModel::foreigndom_allowed(uint32_t foreigndom, bool with_table_owner) {
  const uint32_t domain_id = MmuConfig{}.domain_id;
  if (with_table_owner && foreigndom >> 16 != 0 && foreigndom >> 16 != domain_id + 1) return false;
  return (foreigndom & 0xffff) == DOMID_SELF || (foreigndom & 0xffff) == domain_id;
}

Outcome ReferenceModel::apply_array(const Step& step,
                                    const std::function<Verdict(const Request&)>& apply_one) {
  Outcome outcome;
  Verdict verdict;
  const uint64_t size = element_size(step.kind);
  for (; outcome.done < step.count; ++outcome.done) {
    Request request;
    const uint64_t element = step.array + outcome.done * size;
    if (element < step.array || !read_guest(root(step.vcpu, false), element, &request, size)) {
      verdict = {Errno::kEFAULT, Rule::kAnyInput};
    } else {
      verdict = apply_one(request);
    }
    if (!verdict.ok()) break;
  }
  outcome.result = return_value(verdict.error);
  outcome.rule = verdict.rule;
  // Whether the result can be stored or not changes nothing else.
  if (step.done != 0) write_guest(root(step.vcpu, false), step.done, &outcome.done, 4);
  return outcome;
}

Outcome ReferenceModel::mmu_update(const Step& step) {
  if (!foreigndom_allowed(step.foreigndom, true)) {
    const uint16_t owner = static_cast<uint16_t>(step.foreigndom);
    const bool reserved = owner == DOMID_IO || owner == DOMID_XEN || owner == DOMID_COW;
    const bool own_tables = foreigndom_allowed((step.foreigndom & ~0xffffu) | DOMID_SELF, true);
    const Errno error = reserved && own_tables ? Errno::kEPERM : Errno::kESRCH;
    return refused(error, Rule::kAnyInput);
  }
  return apply_array(step, [this](const Request& request) { return apply_update(request); });
}

ReferenceModel::Verdict ReferenceModel::apply_update(const Request& request) {
  const uint64_t command = request.first & 7;
  const uint64_t frame = frame_at(request.first);
  if (command > MMU_PT_UPDATE_NO_TRANSLATE) return {Errno::kENOSYS, Rule::kAnyInput};
  if (!is_guest_frame(frame)) return {Errno::kEINVAL, Rule::kEntryTarget};
  if (command == MMU_MACHPHYS_UPDATE) {
    pfns_[frame] = request.second;
    return {};
  }
  if (is_table(books_[frame].type)) {
    const uint64_t kept = command == MMU_PT_UPDATE_PRESERVE_AD ? kPteAccessedDirty : 0;
    uint64_t old_value = 0;
    return change_entry(
        frame, slot_at(request.first),
        [&](uint64_t value) { return std::optional(request.second | (value & kept)); }, old_value);
  }
  const Verdict verdict = can_write(frame);
  if (verdict.ok()) set_word(frame, slot_at(request.first), request.second);
  return verdict;
}

Outcome ReferenceModel::mmuext_op(const Step& step) {
  if (!foreigndom_allowed(step.foreigndom, false)) {
    const uint16_t owner = static_cast<uint16_t>(step.foreigndom);
    const bool reserved = owner == DOMID_IO || owner == DOMID_XEN || owner == DOMID_COW;
    return refused(reserved ? Errno::kEPERM : Errno::kESRCH, Rule::kAnyInput);
  }
  return apply_array(step,
                     [&](const Request& request) { return apply_operation(step.vcpu, request); });
}

ReferenceModel::Verdict ReferenceModel::apply_operation(unsigned vcpu, const Request& request) {
  const uint64_t frame = request.second;
  switch (const auto command = static_cast<uint32_t>(request.first)) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
      return pin(static_cast<PtLevel>(command - MMUEXT_PIN_L1_TABLE + 1), frame);
    case MMUEXT_UNPIN_TABLE:
      if (pins_.erase(frame) == 0) return {Errno::kEINVAL, Rule::kOneType};
      derive_books();
      return {};
    case MMUEXT_NEW_BASEPTR:
      return load_base(vcpu, frame, false);
    case MMUEXT_NEW_USER_BASEPTR:
      return load_base(vcpu, frame, true);
    case MMUEXT_CLEAR_PAGE:
      return clear_or_copy(frame, std::nullopt);
    case MMUEXT_COPY_PAGE:
      return clear_or_copy(frame, request.third);
    default:
      return operation_without_effect(vcpu, request);
  }
}

ReferenceModel::Verdict ReferenceModel::pin(PtLevel level, uint64_t frame) {
  if (pins_.contains(frame)) return {Errno::kEINVAL, Rule::kOneType};
  Books books = books_;
  const Verdict verdict = take(books, frame, table_type(level));
  if (!verdict.ok()) return verdict;
  pins_.insert(frame);
  accept(books);
  return {};
}

// Flushes, and what is not offered here.
ReferenceModel::Verdict ReferenceModel::operation_without_effect(unsigned vcpu,
                                                                 const Request& request) {
  switch (static_cast<uint32_t>(request.first)) {
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI: {
      uint64_t mask = 0;
      const bool read = read_guest(root(vcpu, false), request.third, &mask, sizeof mask);
      return read ? Verdict{} : Verdict{Errno::kEINVAL, Rule::kAnyInput};
    }
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_INVLPG_ALL:
      return {};
    case MMUEXT_FLUSH_CACHE:  // no domain here has a device
      return {Errno::kEACCES, Rule::kAnyInput};
    case MMUEXT_FLUSH_CACHE_GLOBAL:
      return {Errno::kEINVAL, Rule::kAnyInput};
    case MMUEXT_SET_LDT: {
      const auto entries = static_cast<uint32_t>(request.third);
      if (entries == 0) return {};
      const bool canonical = walk(std::nullopt, request.second).canonical;
      const bool sound = request.second % kPageSize == 0 && canonical && entries <= 8192;
      return {sound ? Errno::kENOSYS : Errno::kEINVAL, Rule::kAnyInput};
    }
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
      return {Errno::kEOPNOTSUPP, Rule::kAnyInput};
    default:
      return {Errno::kENOSYS, Rule::kAnyInput};
  }
}

ReferenceModel::Verdict ReferenceModel::load_base(unsigned vcpu, uint64_t frame, bool user) {
  Books books = books_;
  const bool none = user && frame == 0;
  const Verdict verdict = none ? Verdict{} : take(books, frame, PageType::kL4);
  if (!verdict.ok()) return verdict;
  std::optional<uint64_t>& root = user ? roots_[vcpu].user : roots_[vcpu].kernel;
  root = none ? std::nullopt : std::optional(frame);
  accept(books);
  return {};
}

// The source must be there and is held while the target is taken.
ReferenceModel::Verdict ReferenceModel::clear_or_copy(uint64_t to, std::optional<uint64_t> from) {
  Books books = books_;
  if (from) {
    if (!is_guest_frame(*from)) return {Errno::kEINVAL, Rule::kEntryTarget};
    if (books[*from].total >= count_limit_) return {Errno::kEINVAL, Rule::kCounts};
    ++books[*from].total;
  }
  const Verdict verdict = take(books, to, PageType::kWritable);
  if (!verdict.ok()) return verdict;
  for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) {
    set_word(to, slot, from ? word(*from, slot) : 0);
  }
  return {};
}

Outcome ReferenceModel::update_va_mapping(const Step& step) {
  const Walk walked = walk(root(step.vcpu, false), step.address);
  if (walked.path.size() != 4) return refused(Errno::kEINVAL, Rule::kAnyInput);
  const WalkStep& leaf = walked.path.back();
  if (!is_guest_frame(leaf.frame) || books_[leaf.frame].type != PageType::kL1) {
    return refused(Errno::kEINVAL, Rule::kEntryTarget);
  }
  uint64_t old_value = 0;
  const Verdict verdict = change_entry(
      leaf.frame, leaf.slot, [&](uint64_t) { return std::optional(step.value); }, old_value);
  if (!verdict.ok()) return refused(verdict.error, verdict.rule);
  // The entry stays changed, whatever becomes of the flush.
  const uint64_t kind = step.flags & UVMF_FLUSHTYPE_MASK;
  const uint64_t where = step.flags & ~uint64_t{UVMF_FLUSHTYPE_MASK};
  if (kind != UVMF_TLB_FLUSH && kind != UVMF_INVLPG) return {};
  if (where == UVMF_LOCAL || where == UVMF_ALL) return {};
  uint64_t mask = 0;
  if (read_guest(root(step.vcpu, false), where, &mask, sizeof mask)) return {};
  return refused(Errno::kEFAULT, Rule::kAnyInput);
}

Outcome ReferenceModel::emulate(const Step& step) {
  Outcome outcome;
  if (step.user) return outcome;  // a process that can see a page table must not change it
  const WriteOperation& operation = step.operation;
  const Walk walked = walk(root(step.vcpu, step.user), step.address);
  if (!walked.mapped || !walked.user || walked.writable) return outcome;
  const uint64_t table = frame_at(walked.machine_address);
  if (!is_guest_frame(table) || books_[table].type != PageType::kL1) return outcome;
  const unsigned width = operation.width;
  const bool natural = width == 1 || width == 2 || width == 4 || width == 8;
  if (!natural || step.address % width != 0) {
    outcome.status = EmulationResult::Status::kRefused;
    outcome.result = return_value(Errno::kEINVAL);
    outcome.rule = Rule::kAnyInput;
    return outcome;
  }
  const uint64_t shift = step.address % 8 * 8;
  const uint64_t mask = ~uint64_t{0} >> (64 - 8 * width);
  const auto compute = [&](uint64_t entry) -> std::optional<uint64_t> {
    outcome.old_value = entry >> shift & mask;
    const auto stored = value_to_store(operation, outcome.old_value, mask);
    outcome.exchanged = stored && operation.kind == WriteOperation::Kind::kCompareExchange;
    if (!stored) return std::nullopt;
    return (entry & ~(mask << shift)) | (*stored & mask) << shift;
  };
  uint64_t old_value = 0;
  const Verdict verdict = change_entry(table, slot_at(step.address), compute, old_value);
  outcome.status =
      verdict.ok() ? EmulationResult::Status::kDone : EmulationResult::Status::kRefused;
  if (verdict.ok()) return outcome;
  // What a refused store read is nobody's business.
  return {.result = return_value(verdict.error), .rule = verdict.rule, .status = outcome.status};
}

Outcome ReferenceModel::update_descriptor(const Step& step) {
  bool allowed = true;
  const uint64_t stored = stored_descriptor(step.value, allowed);
  const uint64_t frame = frame_at(step.address);
  if (step.address % 8 != 0) return refused(Errno::kEINVAL, Rule::kAnyInput);
  if (!allowed) return refused(Errno::kEINVAL, Rule::kEntryBits);
  const bool in_use = is_guest_frame(frame) && books_[frame].type == PageType::kSegDesc;
  Books books = books_;
  const Verdict verdict = take(books, frame, in_use ? PageType::kSegDesc : PageType::kWritable);
  if (!verdict.ok()) return refused(verdict.error, verdict.rule);
  set_word(frame, slot_at(step.address), stored);
  return {};
}

Outcome ReferenceModel::copy(const Step& step) {
  Outcome outcome;
  const uint64_t size = step.value % (2 * kPageSize);
  std::vector<uint64_t> bytes(size / 8 + 1);
  const std::optional<uint64_t> from = root(step.vcpu, step.user);
  if (step.kind == StepKind::kRead) {
    outcome.result = read_guest(from, step.address, bytes.data(), size);
    if (outcome.result != 0) outcome.bytes = bytes;
  } else {
    for (uint64_t& word : bytes) word = step.flags;
    outcome.result = write_guest(from, step.address, bytes.data(), size);
  }
  return outcome;
}

Outcome ReferenceModel::set_base(const Step& step) {
  Books books = books_;
  Verdict verdict = take(books, step.address, PageType::kL4);
  const bool none = step.value == 0 || step.value == kInvalidMfn.raw();
  if (verdict.ok() && !none) verdict = take(books, step.value, PageType::kL4);
  if (!verdict.ok()) return refused(verdict.error, verdict.rule);
  roots_[step.vcpu].kernel = step.address;
  roots_[step.vcpu].user = none ? std::nullopt : std::optional(step.value);
  accept(books);
  return {};
}

ReferenceModel::Verdict ReferenceModel::take_for_vmm(uint64_t frame, PageType type,
                                                     References& references) {
  Books books = books_;
  const Verdict verdict = take(books, frame, type);
  if (!verdict.ok()) return verdict;
  ++references[frame];
  accept(books);
  return verdict;
}

bool ReferenceModel::give_back(uint64_t frame, References& references) {
  if (!exists(frame) || references[frame] == 0) return false;
  --references[frame];
  derive_books();
  return true;
}

// Answers 1 if it was done.
Outcome ReferenceModel::vmm_step(const Step& step) {
  const uint64_t frame = step.address;
  switch (step.kind) {
    case StepKind::kPoke:
      return {.result = poke(step.address, step.value)};
    case StepKind::kGetWritable: {
      const Verdict verdict = take_for_vmm(frame, PageType::kWritable, writable_references_);
      return refused(verdict.error, verdict.rule);
    }
    case StepKind::kPutWritable:
      return {.result = give_back(frame, writable_references_)};
    case StepKind::kGetDescriptors: {
      const Verdict verdict = take_for_vmm(frame, PageType::kSegDesc, descriptor_references_);
      return refused(verdict.error, verdict.rule);
    }
    case StepKind::kPutDescriptors:
      return {.result = give_back(frame, descriptor_references_)};
    case StepKind::kDropBase:
      roots_[step.vcpu] = Roots{};
      derive_books();
      return {};
    default:
      return {};
  }
}

bool ReferenceModel::poke(uint64_t machine_address, uint64_t value) {
  if (!can_write(frame_at(machine_address)).ok()) return false;
  set_word(frame_at(machine_address), slot_at(machine_address), value);
  return true;
}

}  // namespace pvmmu::model
