#include "pte_rules/life_trace.h"

#include "mm/address_space.h"
#include "pte_rules/record_table.h"
#include "pte_rules/text_line.h"

namespace kernel::pte_rules {
namespace {

constexpr unsigned kCallers = 5;

const char* state_of(UserPte entry) {
  if (entry.none()) {
    return "none";
  }
  if (entry.present()) {
    return "valid";
  }
  if (entry.swapped()) {
    return "swapped";
  }
  if (entry.prepared()) {
    return "prepared";
  }
  return entry.hidden() ? "hidden" : "blocked";
}

struct Unfinished {
  uint32_t pending;
  const char* text;
};
constexpr Unfinished kUnfinished[] = {{kOpen, "in transaction"},
                                      {kQueued, "queued"},
                                      {kOwesFlush, "flush owed"},
                                      {kHashBatched, "hash entry in the batch"}};

void add_values(TextLine& line, const guest_abi::PteEventRecord& event, bool with_states) {
  const UserPte before(event.before);
  const UserPte after(event.after);
  if (event.kind == guest_abi::PteEvent::kRead) {
    return line.add(", %lx (%s)", after.raw(), state_of(after));
  }
  line.add(", %lx -> %lx", before.raw(), after.raw());
  if (with_states) {
    line.add(" (%s -> %s)", state_of(before), state_of(after));
  }
}

}  // namespace

void print_moment(const Moment& moment) {
  const guest_abi::PteEventRecord& event = moment.event;
  TextLine line;
  line.add("pte trace: vCPU %u, root %lx: %s", event.vcpu, mfn_of(*moment.mm.kernel_root).raw(),
           guest_abi::kPteEventNames[static_cast<unsigned>(event.kind)]);
  if (moment.shows_values) {
    add_values(line, event, moment.is_intent);
  }
  if (moment.calls != 0) {
    line.add(", one hypercall with %lu call%s", moment.calls, moment.calls == 1 ? "" : "s");
  }
  if (moment.lazy) {
    line.add(", in lazy mode");
  }
  const char* before = "; now ";
  for (const Unfinished& unfinished : kUnfinished) {
    if ((moment.pending & unfinished.pending) != 0) {
      line.add("%s%s", before, unfinished.text);
      before = ", ";
    }
  }
  line.add("; called from");
  for (unsigned i = 0; i < kCallers && event.backtrace[i] != 0; ++i) {
    line.add(" %lx", event.backtrace[i]);
  }
  line.print();
}

}  // namespace kernel::pte_rules
