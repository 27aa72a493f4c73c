#include "pte_rules/breach_text.h"

#include "console.h"
#include "pte_rules/text_line.h"

namespace kernel::pte_rules {
namespace {

void print_rule(guest_abi::PteRule rule) {
  const auto number = static_cast<unsigned>(rule);
  TextLine line;
  line.add("pte rule R%u (", number);
  const char* separator = "";
  for (const guest_abi::PteModelName& model : guest_abi::kPteModelNames) {
    if ((guest_abi::kPteRules[number].models & static_cast<uint32_t>(model.model)) != 0) {
      line.add("%s%s", separator, model.name);
      separator = ", ";
    }
  }
  line.add(") is broken: %s", guest_abi::kPteRules[number].text);
  line.print();
}

void print_event(const char* which, const guest_abi::PteEventRecord& event) {
  TextLine line;
  line.add("  %s: %s", which, guest_abi::kPteEventNames[static_cast<unsigned>(event.kind)]);
  if (event.kind != guest_abi::PteEvent::kNone) {
    if ((event.before | event.after) != 0) {
      line.add(", %lx -> %lx", event.before, event.after);
    }
    line.add(", vCPU %u, called from", event.vcpu);
    for (const uint64_t address : event.backtrace) {
      if (address != 0) {
        line.add(" %lx", address);
      }
    }
  }
  line.print();
}

}  // namespace

void print_breach(guest_abi::PteRule rule, uint64_t address, const guest_abi::PteEventRecord& first,
                  const guest_abi::PteEventRecord& second) {
  print_rule(rule);
  if (address != 0) {
    console_print("  entry of address %lx\n", address);
  }
  print_event("first", first);
  print_event("then", second);
}

}  // namespace kernel::pte_rules
