// The kinds of steps that the generator makes.
#include "base/pte.h"
#include "generator.h"

namespace pvmmu::model {

Step Generator::ext(std::vector<Request> requests) {
  Step step = step_of(StepKind::kExt);
  step.count = static_cast<uint32_t>(requests.size());
  step.requests = std::move(requests);
  return step;
}

// Fills words of a frame that is no table yet, by the VMM, by requests, or by the processor.
Step Generator::build() {
  const std::vector<uint64_t> frames = free_frames();
  if (frames.empty()) return unpin();
  const uint64_t frame = any_of(frames);
  const unsigned level = intended_level(frame);
  const unsigned slot = slot_for(level, frame);
  const uint64_t place = frame * kPageSize + slot * 8;
  if (chance(50)) {
    Step step = step_of(StepKind::kPoke);
    step.address = place;
    step.value = entry_for(level, frame, slot);
    return step;
  }
  if (chance(30) && model_.usage(frame).type == PageType::kWritable) {
    Step step = step_of(StepKind::kStore);
    step.address = address_of(frame) + slot * 8;
    step.value = entry_for(level, frame, slot);
    return step;
  }
  Step step = step_of(StepKind::kUpdate);
  for (uint64_t i = 1 + below(4); i != 0; --i) {
    const unsigned at = slot_for(level, frame);
    step.requests.push_back({frame * kPageSize + at * 8, entry_for(level, frame, at), 0});
  }
  step.count = static_cast<uint32_t>(step.requests.size());
  return step;
}

Step Generator::pin() {
  std::vector<Request> requests;
  for (uint64_t i = chance(80) ? 1 : 1 + below(4); i != 0; --i) {
    const uint64_t frame = any_frame();
    unsigned level = 1 + static_cast<unsigned>(below(4));
    if (exists(frame) && chance(95)) {
      const PageType type = model_.usage(frame).type;
      level = is_table(type) ? level_number(table_level(type)) : intended_level(frame);
    }
    requests.push_back({MMUEXT_PIN_L1_TABLE + level - 1, frame, 0});
  }
  return ext(std::move(requests));
}

Step Generator::unpin() {
  std::vector<uint64_t> pinned;
  for (uint64_t frame = kFirstPlayFrame; frame < kFrames; ++frame) {
    if (model_.pinned(frame)) pinned.push_back(frame);
  }
  const uint64_t frame = pinned.empty() || chance(3) ? any_frame() : any_of(pinned);
  return ext({{MMUEXT_UNPIN_TABLE, frame, 0}});
}

Request Generator::update_request() {
  const unsigned level = 1 + static_cast<unsigned>(below(4));
  const uint64_t table = table_or_any(level);
  const unsigned slot = slot_for(level, table);
  uint64_t command = MMU_NORMAL_PT_UPDATE;
  if (chance(35)) command = MMU_PT_UPDATE_PRESERVE_AD;
  if (chance(5)) command = below(8);
  uint64_t value = entry_for(level, table, slot);
  if (exists(table) && chance(25)) {  // a change of the present entry
    static constexpr uint64_t kChanges[] = {kPteWritable,  kPteDirty,   kPteAccessed,
                                            kPteNoExecute, kPtePresent, kPteUser};
    value = model_.word(table, slot) ^ kChanges[below(std::size(kChanges))];
  }
  return {table * kPageSize + slot * 8 + command, value, 0};
}

Step Generator::update() {
  Step step = step_of(StepKind::kUpdate);
  for (uint64_t i = chance(50) ? 1 : 1 + below(6); i != 0; --i) {
    step.requests.push_back(update_request());
  }
  step.count = static_cast<uint32_t>(step.requests.size());
  if (chance(3)) step.array += kPageSize - 8 * below(8);  // across the end of the page
  const uint64_t place = step.requests[0].first;
  add_race(step, place / kPageSize, static_cast<unsigned>(place % kPageSize / 8));
  return step;
}

// Mostly: make a frame writable or read-only where it is mapped.
Step Generator::map() {
  Step step = step_of(StepKind::kVaMapping);
  const uint64_t frame = kFirstPlayFrame + below(kFrames + 4 - kFirstPlayFrame);
  step.address = address_of(frame);
  step.value = exists(frame) && chance(80) ? entry_of(frame, chance(45) ? kReadWrite : kReadOnly)
                                           : leaf_entry();
  if (chance(5)) step.value = spoiled(step.value);
  if (chance(5)) step.address = any_address();
  static constexpr uint64_t kWhere[] = {UVMF_LOCAL, UVMF_ALL};
  if (chance(50)) {
    step.flags = below(4) | (chance(75) ? kWhere[below(2)] : bitmap() & ~uint64_t{3});
  }
  add_race(step, kSystemL1, static_cast<unsigned>(frame));
  return step;
}

Step Generator::emulate() {
  Step step = step_of(StepKind::kEmulate);
  const uint64_t table = table_or_any(1);
  const unsigned slot = slot_for(1, table);
  WriteOperation& operation = step.operation;
  operation.kind = static_cast<WriteOperation::Kind>(below(7));
  operation.width = chance(60) ? 8 : 1u << below(4);
  const uint64_t offset = operation.width == 8 ? 0 : below(8 / operation.width) * operation.width;
  step.address = address_of(table) + slot * 8 + offset;
  const uint64_t present = exists(table) ? model_.word(table, slot) : 0;
  const uint64_t mask = ~uint64_t{0} >> (64 - 8 * operation.width);
  operation.operand = entry_for(1, table, slot) >> (8 * offset) & mask;
  operation.comparand = (chance(75) ? present >> (8 * offset) : random_()) & mask;
  if (operation.kind >= WriteOperation::Kind::kAnd && chance(80)) {
    operation.operand = uint64_t{1} << below(8 * operation.width);
    if (operation.kind == WriteOperation::Kind::kAnd) operation.operand ^= mask;
  }
  if (chance(3)) operation.width = static_cast<unsigned>(below(17));
  if (chance(3)) step.address += 1 + below(7);
  step.user = chance(10);
  add_race(step, table, slot);
  return step;
}

Step Generator::base_pointer() {
  const bool user = chance(50);
  uint64_t frame = table_or_any(4);
  if (chance(40)) frame = user ? 0 : uint64_t{kSystemL4};
  return ext({{user ? uint64_t{MMUEXT_NEW_USER_BASEPTR} : uint64_t{MMUEXT_NEW_BASEPTR}, frame, 0}});
}

Step Generator::flush() {
  static constexpr uint64_t kCommands[] = {MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL,
                                           MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI,
                                           MMUEXT_TLB_FLUSH_ALL,   MMUEXT_INVLPG_ALL};
  return ext({{kCommands[below(6)], any_address(), bitmap()}});
}

Step Generator::clear_or_copy() {
  const std::vector<uint64_t> frames = free_frames();
  const uint64_t to = frames.empty() || chance(10) ? any_frame() : any_of(frames);
  if (chance(40)) return ext({{MMUEXT_CLEAR_PAGE, to, 0}});
  const uint64_t from = any_frame();
  if (exists(from) && exists(to) && is_table(model_.usage(from).type)) {
    intended_[to] = level_number(table_level(model_.usage(from).type));
  }
  return ext({{MMUEXT_COPY_PAGE, to, from}});
}

Step Generator::references() {
  std::vector<uint64_t> held;
  for (uint64_t frame = kSharedFrame; frame < kFrames; ++frame) {
    if (model_.held_writable(frame) != 0) held.push_back(frame);
  }
  const bool put = !held.empty() && chance(60);
  Step step = step_of(put ? StepKind::kPutWritable : StepKind::kGetWritable);
  step.address = put ? any_of(held) : any_frame();
  return step;
}

Step Generator::descriptors() {
  std::vector<uint64_t> held;
  for (uint64_t frame = kSharedFrame; frame < kFrames; ++frame) {
    if (model_.held_descriptors(frame) != 0) held.push_back(frame);
  }
  if (!held.empty() && chance(40)) {
    Step step = step_of(StepKind::kPutDescriptors);
    step.address = any_of(held);
    return step;
  }
  if (chance(50)) {
    Step step = step_of(StepKind::kGetDescriptors);
    step.address = any_frame();
    return step;
  }
  static constexpr uint64_t kDescriptors[] = {0x00af9a000000ffff, 0x00cf92000000ffff,
                                              0x0000890000000067, 0x0000ee0000000000,
                                              0x00008f0000000000, 0};
  Step step = step_of(StepKind::kDescriptor);
  const uint64_t frame = held.empty() || chance(30) ? any_frame() : any_of(held);
  step.address = frame * kPageSize + below(8) * 8 + (chance(5) ? 1 + below(7) : 0);
  step.value = kDescriptors[below(std::size(kDescriptors))];
  return step;
}

Step Generator::processor_store() {
  Step step = step_of(StepKind::kStore);
  step.address = any_address();
  step.value = entry_for(1, kFrames, 0);
  step.user = chance(10);
  return step;
}

Step Generator::copy() {
  Step step = step_of(chance(50) ? StepKind::kRead : StepKind::kWrite);
  step.address = any_address();
  step.value = chance(85) ? below(40) : below(2 * kPageSize);
  step.flags = chance(50) ? 0 : entry_for(1, kFrames, 0);
  step.user = chance(10);
  return step;
}

Step Generator::vcpu_step() {
  if (chance(50)) return step_of(StepKind::kReload);
  if (chance(20)) return step_of(StepKind::kDropBase);
  Step step = step_of(StepKind::kSetBase);
  step.address = chance(60) ? uint64_t{kSystemL4} : chance(60) ? table_or_any(4) : any_frame();
  step.value = chance(70) ? 0 : table_or_any(4);
  return step;
}

// Operations that are refused whatever they name, and a few that are always fine.
Step Generator::odd_operation() {
  static constexpr uint64_t kCommands[] = {MMUEXT_FLUSH_CACHE,
                                           MMUEXT_FLUSH_CACHE_GLOBAL,
                                           MMUEXT_SET_LDT,
                                           MMUEXT_MARK_SUPER,
                                           MMUEXT_UNMARK_SUPER,
                                           14,
                                           21,
                                           0xffffffff,
                                           uint64_t{1} << 32};
  const uint64_t entries = chance(40) ? 0 : chance(80) ? below(16) : 8193;
  return ext({{kCommands[below(std::size(kCommands))], any_address(), entries}});
}

// Requests that change the array that they are in, or what maps it.
Step Generator::self_modifying() {
  Step step = update();
  Request request = update_request();
  if (chance(60)) {
    const uint64_t place = kArrayFrame * kPageSize + below(6) * sizeof(::mmu_update);
    request = {place, update_request().first, 0};
  } else {
    const uint64_t frame = chance(60) ? uint64_t{kSecondArrayFrame} : any_frame();
    request = {kSystemL1 * kPageSize + kArrayFrame * 8, entry_of(frame, kReadWrite), 0};
  }
  step.requests.insert(step.requests.begin(), request);
  step.count = static_cast<uint32_t>(step.requests.size());
  step.race = Race{};
  return step;
}

}  // namespace pvmmu::model
