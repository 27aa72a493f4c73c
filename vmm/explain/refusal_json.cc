#include "explain/refusal_json.h"

#include "absl/strings/str_format.h"
#include "explain/advice.h"
#include "explain/frame_names.h"
#include "explain/refusal_text.h"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;
using pvmmu::FrameUser;
using pvmmu::Refusal;

Json use_json(const FrameUse& use) {
  Json object = {{"kind", user_kind_name(use.user.kind)}, {"relies_on_type", use.relies_on_type}};
  switch (use.user.kind) {
    case FrameUser::Kind::kEntry:
      object["table"] = json_hex(use.user.table.raw());
      object["table_type"] = pvmmu::page_type_name(use.table_type);
      object["slot"] = use.user.slot;
      object["entry"] = json_hex(use.user.entry);
      break;
    case FrameUser::Kind::kKernelBasePointer:
    case FrameUser::Kind::kUserBasePointer:
      object["vcpu"] = use.user.vcpu;
      break;
    case FrameUser::Kind::kPin:
    case FrameUser::Kind::kVmm:
    case FrameUser::Kind::kDevice:
      break;
  }
  return object;
}

Json chain_json(const FrameChain& chain) {
  Json links = Json::array();
  for (const FrameLink& link : chain.links) {
    Json uses = Json::array();
    for (const FrameUse& use : link.uses) uses.push_back(use_json(use));
    links.push_back({{"frame", json_hex(link.frame.raw())},
                     {"type", pvmmu::page_type_name(link.state.type)},
                     {"users", std::move(uses)},
                     {"users_not_listed", link.uses_not_listed()}});
  }
  return links;
}

Json state_json(const FrameState& state) {
  return {{"owner", owner_name(state.owner)},
          {"type", pvmmu::page_type_name(state.type)},
          {"whole", state.whole},
          {"pinned", state.pinned},
          {"type_count", state.type_count},
          {"total_count", state.total_count},
          {"same_level_count", state.same_level_count}};
}

template <typename Number>
Json hex_or_null(const std::optional<Number>& value) {
  return value ? Json(json_hex(value->raw())) : Json();
}

}  // namespace

std::string json_hex(uint64_t value) {
  return absl::StrFormat("0x%x", value);
}

Json refusal_json(const RefusalRecord& record, uint64_t alike) {
  const Refusal& refusal = record.refusal;
  const auto rule = static_cast<unsigned>(refusal.rule);
  const bool entry = refusal.level != 0 || refusal.slot != Refusal::kNoSlot;
  const bool frame = record.frame_exists || record.frame != pvmmu::kInvalidMfn;
  const bool table = refusal.table != pvmmu::kInvalidMfn;
  return {{"rule", pvmmu::kRuleTags[rule]},
          {"rule_text", pvmmu::kRuleTexts[rule]},
          {"errno", pvmmu::errno_name(refusal.error)},
          {"operation", refusal.operation},
          {"request", refusal.request},
          {"reason", refusal.reason},
          {"level", refusal.level != 0 ? Json(refusal.level) : Json()},
          {"slot", refusal.slot != Refusal::kNoSlot ? Json(refusal.slot) : Json()},
          {"table", table ? Json(json_hex(refusal.table.raw())) : Json()},
          {"entry", entry ? Json(json_hex(refusal.entry)) : Json()},
          {"frame", frame ? Json(json_hex(record.frame.raw())) : Json()},
          {"frame_now", record.frame_exists ? state_json(record.frame_now()) : Json()},
          {"chain", chain_json(record.chain)},
          {"address", hex_or_null(record.address)},
          {"vcpu", record.vcpu},
          {"alike", alike},
          {"advice", advice(record)},
          {"explanation", explanation(record)}};
}

}  // namespace vmm
