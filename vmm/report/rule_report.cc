#include "report/rule_report.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace vmm {
namespace {

using guest_abi::PteEventRecord;
using guest_abi::PteRuleReport;
using Json = nlohmann::ordered_json;

std::vector<std::string> model_names(uint32_t models) {
  std::vector<std::string> names;
  for (const guest_abi::PteModelName& model : guest_abi::kPteModelNames) {
    if ((models & static_cast<uint32_t>(model.model)) != 0) names.push_back(model.name);
  }
  return names;
}

// 0: the guest names a rule that there is not.
uint32_t rule_number(const PteRuleReport& report) {
  const auto number = static_cast<uint32_t>(report.rule);
  return number < guest_abi::kPteRuleCount ? number : 0;
}

std::string event_name(const PteEventRecord& event) {
  const auto kind = static_cast<uint32_t>(event.kind);
  return kind < static_cast<uint32_t>(guest_abi::PteEvent::kCount) ? guest_abi::kPteEventNames[kind]
                                                                   : absl::StrCat("event ", kind);
}

bool is_known(const PteEventRecord& event) {
  return event.kind != guest_abi::PteEvent::kNone;
}

std::string hex(uint64_t value) {
  return absl::StrFormat("%#x", value);
}

Json event_json(const PteEventRecord& event, const CodeNames& names) {
  if (!is_known(event)) return nullptr;
  Json backtrace = Json::array();
  for (const uint64_t address : event.backtrace) {
    if (address != 0) backtrace.push_back({{"address", hex(address)}, {"symbol", names(address)}});
  }
  return {{"event", event_name(event)},
          {"vcpu", event.vcpu},
          {"before", hex(event.before)},
          {"after", hex(event.after)},
          {"backtrace", std::move(backtrace)}};
}

std::string event_text(const char* which, const PteEventRecord& event, const CodeNames& names) {
  std::string text = absl::StrCat(which, ": ", event_name(event));
  if (!is_known(event)) return absl::StrCat(text, "\n");
  if ((event.before | event.after) != 0) {
    absl::StrAppendFormat(&text, ", %#x -> %#x", event.before, event.after);
  }
  absl::StrAppend(&text, ", vCPU ", event.vcpu, "\n");
  for (const uint64_t address : event.backtrace) {
    // Below the kernel, in the sim engine, there may be words that are no code.
    const std::string name = address != 0 ? names(address) : "";
    if (!name.empty()) absl::StrAppendFormat(&text, "  %#018x  %s\n", address, name);
  }
  return text;
}

}  // namespace

Json rule_report_json(const PteRuleReport& report, const CodeNames& names) {
  if (report.models == 0) return nullptr;
  Json breaches = Json::object();
  for (uint32_t number = 1; number < guest_abi::kPteRuleCount; ++number) {
    if (report.breaches[number] != 0) {
      breaches[absl::StrCat("R", number)] = report.breaches[number];
    }
  }
  Json json = {{"models", model_names(report.models)},
               {"entries_followed", report.entries_followed},
               {"events", report.events},
               {"events_not_judged", report.events_not_judged},
               {"hash_table",
                {{"inserted", report.hash_inserted},
                 {"evicted", report.hash_evicted},
                 {"batches", report.hash_batches}}},
               {"breaches", std::move(breaches)}};
  if (const uint32_t number = rule_number(report); number != 0) {
    json["first_breach"] = {{"rule", absl::StrCat("R", number)},
                            {"models", model_names(guest_abi::kPteRules[number].models)},
                            {"text", guest_abi::kPteRules[number].text},
                            {"address", hex(report.address)},
                            {"first", event_json(report.first, names)},
                            {"second", event_json(report.second, names)}};
  }
  return json;
}

std::string rule_report_text(const PteRuleReport& report, const CodeNames& names) {
  const uint32_t number = rule_number(report);
  if (report.models == 0 || number == 0) return "";
  std::string text =
      absl::StrFormat("*** pte rule R%u (%s) is broken: %s\n", number,
                      absl::StrJoin(model_names(guest_abi::kPteRules[number].models), ", "),
                      guest_abi::kPteRules[number].text);
  if (report.address != 0) absl::StrAppendFormat(&text, "entry of address %#x\n", report.address);
  return absl::StrCat(text, event_text("first", report.first, names),
                      event_text("then", report.second, names));
}

}  // namespace vmm
