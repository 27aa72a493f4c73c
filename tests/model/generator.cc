#include "generator.h"

#include "base/pte.h"

namespace pvmmu::model {

namespace {

constexpr std::array<unsigned, 10> kSlots = {0, 1, 2, 3, 4, 5, 255, 272, 300, 511};
constexpr std::array<unsigned, 4> kHypervisorSlots = {256, 257, 260, 271};

PageType type_of_level(unsigned level) {
  return table_type(static_cast<PtLevel>(level));
}

}  // namespace

Generator::Generator(std::mt19937_64& random, const Scenario& scenario, const ReferenceModel& model)
    : random_(random), scenario_(scenario), model_(model) {}

Step Generator::next() {
  struct Choice {
    unsigned weight;
    Step (Generator::*make)();
  };
  static constexpr Choice kChoices[] = {
      {26, &Generator::build},        {16, &Generator::pin},
      {6, &Generator::unpin},         {22, &Generator::update},
      {10, &Generator::map},          {8, &Generator::emulate},
      {7, &Generator::base_pointer},  {4, &Generator::flush},
      {4, &Generator::clear_or_copy}, {4, &Generator::references},
      {3, &Generator::descriptors},   {3, &Generator::processor_store},
      {2, &Generator::copy},          {3, &Generator::vcpu_step},
      {1, &Generator::odd_operation}, {1, &Generator::self_modifying}};
  unsigned total = 0;
  for (const Choice& choice : kChoices) total += choice.weight;
  uint64_t at = below(total);
  for (const Choice& choice : kChoices) {
    if (at < choice.weight) {
      Step step = (this->*choice.make)();
      if (chance(4)) make_odd(step);
      return step;
    }
    at -= choice.weight;
  }
  return build();
}

// --- What there is -------------------------------------------------------------------------------

std::vector<uint64_t> Generator::frames_of(PageType type) const {
  std::vector<uint64_t> found;
  for (uint64_t frame = kSharedFrame; frame < kFrames; ++frame) {
    if (model_.usage(frame).type == type) found.push_back(frame);
  }
  return found;
}

std::vector<uint64_t> Generator::free_frames() const {
  std::vector<uint64_t> found;
  for (uint64_t frame = kFirstPlayFrame; frame < kFrames; ++frame) {
    const PageType type = model_.usage(frame).type;
    if (type == PageType::kNone || type == PageType::kWritable) found.push_back(frame);
  }
  return found;
}

// Mostly one to play with; now and then one of the domain's own, the hypervisor's, or none at all.
uint64_t Generator::any_frame() {
  if (chance(92)) return kFirstPlayFrame + below(kFrames - kFirstPlayFrame);
  if (chance(75)) return below(kFirstPlayFrame);
  static constexpr uint64_t kWild[] = {kFrames, kFrames + 1, uint64_t{1} << 20,
                                       kPteFrameMask >> kPageShift, ~uint64_t{0}};
  return kWild[below(std::size(kWild))];
}

uint64_t Generator::table_or_any(unsigned level) {
  const std::vector<uint64_t> tables = frames_of(type_of_level(level));
  return tables.empty() || chance(3) ? any_frame() : any_of(tables);
}

unsigned Generator::slot_for(unsigned level, uint64_t table) {
  if (level == 4 && chance(4)) return kHypervisorSlots[below(kHypervisorSlots.size())];
  if (table == kSystemL1 && chance(80)) {
    return static_cast<unsigned>(kFirstPlayFrame + below(kFrames + 8 - kFirstPlayFrame));
  }
  // What the domain stands on is seldom touched, so that sequences go on for long.
  const bool system = table >= kSystemL4 && table <= kSystemL2;
  return kSlots[system && !chance(2) ? 2 + below(kSlots.size() - 2) : below(kSlots.size())];
}

unsigned Generator::intended_level(uint64_t frame) {
  unsigned& level = intended_[frame % kFrames];
  if (level == 0 || chance(5)) {
    static constexpr unsigned kLevels[] = {1, 1, 1, 1, 2, 2, 2, 3, 3, 4};
    level = kLevels[below(std::size(kLevels))];
  }
  return level;
}

uint64_t Generator::plain_flags(unsigned level) {
  uint64_t flags = kPtePresent;
  if (chance(80)) flags |= kPteUser;
  if (chance(70)) flags |= kPteAccessed;
  if (chance(10)) flags |= kPteNoExecute;
  if (chance(10)) flags |= uint64_t{1} << (9 + below(3));
  if (level == 1 && chance(30)) flags |= kPteDirty;
  if (level == 1 && chance(3)) flags |= kPteGlobal;
  return flags;
}

// --- Entries -------------------------------------------------------------------------------------

uint64_t Generator::entry_for(unsigned level, uint64_t table, unsigned slot) {
  if (chance(22)) return chance(60) ? 0 : below(1 << 20) << 1;  // nothing, or a swap entry
  uint64_t entry = level == 1 ? leaf_entry() : upper_entry(level, table);
  // The way to the domain's own tables, as every address space has it.
  if (level == 4 && slot == 0 && chance(85)) entry = entry_of(kSystemL3, kReadWrite);
  if (table == kSystemL1 && slot < kFrames && chance(60)) {
    entry = entry_of(slot, entry & ~kPteFrameMask);
  }
  return chance(8) ? spoiled(entry) : entry;
}

uint64_t Generator::leaf_entry() {
  const uint64_t frame = any_frame();
  uint64_t flags = plain_flags(1);
  const PageType type = exists(frame) ? model_.usage(frame).type : PageType::kNone;
  const bool may_write = type == PageType::kNone || type == PageType::kWritable;
  if (chance(may_write ? 50 : 4)) flags |= kPteWritable;
  return entry_of(frame, flags);
}

uint64_t Generator::upper_entry(unsigned level, uint64_t table) {
  uint64_t flags = plain_flags(level);
  if (chance(20)) {  // a same-level entry
    const uint64_t frame = chance(25) ? table : table_or_any(level);
    return entry_of(frame, chance(90) ? flags : flags | kPteWritable);
  }
  if (chance(85)) flags |= kPteWritable;
  if (chance(50)) return entry_of(table_or_any(level - 1), flags);
  for (unsigned attempt = 0; attempt < 4; ++attempt) {
    const uint64_t frame = any_frame();
    if (exists(frame) && model_.usage(frame).type == PageType::kNone &&
        intended_level(frame) == level - 1) {
      return entry_of(frame, flags);
    }
  }
  return entry_of(any_frame(), flags);
}

uint64_t Generator::spoiled(uint64_t entry) {
  switch (below(5)) {
    case 0:
      return entry ^ (uint64_t{1} << below(64));
    case 1:
      return entry_of(below(kSharedFrame), entry & ~kPteFrameMask);
    case 2:
      return entry_of(kFrames + below(3), entry & ~kPteFrameMask);
    case 3:
      return entry ^ kPteWritable;
    default:
      return entry | (below(2) ? kPtePageSize : kPteCacheDisable);
  }
}

// --- Oddities ------------------------------------------------------------------------------------

uint64_t Generator::any_address() {
  static constexpr uint64_t kWild[] = {0,
                                       1,
                                       ~uint64_t{0},
                                       ~uint64_t{0} - 15,
                                       0x7ffffffffff8,
                                       0x800000000000,
                                       0xffff800000000000,
                                       0xffff800000000ff8,
                                       0xffff808000000000,
                                       kBase - 8};
  if (chance(20)) return kWild[below(std::size(kWild))];
  const uint64_t page = address_of(below(kFrames + 10));
  return page + (chance(30) ? kPageSize - 1 - below(16) : below(64) * 8);
}

uint64_t Generator::bitmap() {
  return chance(80) ? address_of(kBitmapFrame) : any_address();
}

// One thing that a well-meaning guest would not do.
void Generator::make_odd(Step& step) {
  static constexpr uint32_t kDomains[] = {0,
                                          1,
                                          2,
                                          DOMID_IO,
                                          DOMID_XEN,
                                          DOMID_COW,
                                          DOMID_IDLE,
                                          DOMID_SELF | 2u << 16,
                                          DOMID_SELF | 1u << 16,
                                          1 | 2u << 16,
                                          0xffffffff};
  switch (below(8)) {
    case 0:
      step.array = any_address();
      break;
    case 1:
      step.done = any_address();
      break;
    case 2:
      step.foreigndom = kDomains[below(std::size(kDomains))];
      break;
    case 3:
      step.count += static_cast<uint32_t>(1 + below(3));
      break;
    case 4:
      step.address ^= uint64_t{1} << below(64);
      break;
    case 5:
      step.value ^= uint64_t{1} << below(64);
      break;
    case 6:
      if (!step.requests.empty()) {
        Request& request = step.requests[below(step.requests.size())];
        uint64_t* const fields[] = {&request.first, &request.second, &request.third};
        *fields[below(3)] ^= uint64_t{1} << below(64);
      }
      break;
    default:
      step.count = chance(50) ? 0 : 0xffffffff;
  }
}

void Generator::add_race(Step& step, uint64_t frame, unsigned slot) {
  if (!chance(15) || !may_race(step)) return;
  step.race = {frame, slot, chance(50) ? kPteAccessedDirty : kPteAccessed};
}

Step Generator::step_of(StepKind kind) {
  Step step;
  step.kind = kind;
  step.vcpu = static_cast<unsigned>(below(scenario_.vcpus));
  return step;
}

}  // namespace pvmmu::model
