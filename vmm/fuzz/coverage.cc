#include "fuzz/coverage.h"

#include "absl/strings/str_cat.h"
#include "workload/keywords.h"

namespace vmm::fuzz {
namespace {

constexpr const char* kStatement = "statements";
constexpr const char* kFunction = "functions";
constexpr const char* kMemory = "memory";
constexpr const char* kError = "errors";
constexpr const char* kBatch = "batch";

std::string word_of(Statement::Kind kind) {
  return kind == Statement::Kind::kAssign ? "assign" : std::string(statement_word(kind));
}

const char* backing_name(uint64_t backing) {
  for (const BitsWord& word : kBackings) {
    if (word.bits == backing) return word.word.data();
  }
  return "private";
}

const char* batch_name(unsigned entries) {
  if (entries == 1) return "1";
  if (entries < 8) return "2-7";
  if (entries < 32) return "8-31";
  if (entries == 32) return "32";
  return entries < 128 ? "33-127" : "128-256";
}

const char* tlb_name(const RunSettings& settings) {
  if (settings.engine == EngineKind::kKvm) return "a processor's";
  switch (settings.sim_tlb.kind) {
    case SimTlb::Kind::kNone:
      return "none";
    case SimTlb::Kind::kFull:
      return "full";
    case SimTlb::Kind::kRandom:
      return "random";
    case SimTlb::Kind::kSpeculative:
      return "speculative";
  }
  return "?";
}

std::vector<CoverageName> make_names() {
  std::vector<CoverageName> names;
  for (const StatementWord& word : kStatements) {
    const bool made = word.kind < Statement::Kind::kRacePin;  // the others are not for processes
    names.push_back({made ? kStatement : "", word_of(word.kind)});
  }
  for (const FunctionWord& word : kFunctions) names.push_back({kFunction, std::string(word.name)});
  for (const char* name : {"private", "shared", "file", "device"}) names.push_back({kMemory, name});
  for (const char* name : {"EINVAL", "ENOMEM", "EFAULT", "ECHILD"}) names.push_back({kError, name});
  for (const std::string& mode : mode_names()) names.push_back({"mode", mode});
  for (const char* name : {"1", "2-7", "8-31", "32", "33-127", "128-256"}) {
    names.push_back({kBatch, name});
  }
  for (const char* name : {"on", "off"}) names.push_back({"split-ptl", name});
  for (const char* name : {"none", "full", "random", "speculative", "a processor's"}) {
    names.push_back({"tlb", name});
  }
  for (const char* name : {"never", "at a step", "every", "random"}) {
    names.push_back({"preempt-at", name});
  }
  for (const char* name : {"exit", "call"}) names.push_back({"audit", name});
  for (const char* name : {"shuffled", "identity"}) names.push_back({"p2m", name});
  for (const char* name : {"sim", "kvm"}) names.push_back({"engine", name});
  return names;
}

void count(CoverageCounts counts, const char* group, const std::string& name) {
  const auto& names = coverage_names();
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].group == group && names[i].name == name) ++counts[i];
  }
}

// Statements are the first, in the order of their kinds; functions follow.
void cover(const Expression& e, CoverageCounts counts) {
  if (e.kind == Expression::Kind::kCall) {
    ++counts[std::size(kStatements) + static_cast<size_t>(e.function)];
  }
  for (const Expression& operand : e.operands) cover(operand, counts);
}

constexpr bool tables_in_order() {
  for (size_t i = 0; i < std::size(kStatements); ++i) {
    if (static_cast<size_t>(kStatements[i].kind) != i) return false;
  }
  for (size_t i = 0; i < std::size(kFunctions); ++i) {
    if (static_cast<size_t>(kFunctions[i].function) != i) return false;
  }
  return true;
}

const char* preempt_name(const RunPoint& point) {
  for (const std::string& flag : point.flags) {
    if (flag.rfind("--preempt-at=", 0) != 0) continue;
    if (flag == "--preempt-at=every") return "every";
    return flag.find("random") != std::string::npos ? "random" : "at a step";
  }
  return "never";
}

}  // namespace

const std::vector<CoverageName>& coverage_names() {
  static const std::vector<CoverageName> kNames = make_names();
  return kNames;
}

void cover(const Script& script, CoverageCounts counts) {
  static_assert(tables_in_order());
  for (const Statement& s : script) {
    ++counts[static_cast<size_t>(s.kind)];
    if (s.kind == Statement::Kind::kMap) count(counts, kMemory, backing_name(s.backing));
    if (!s.expected_errno.empty()) count(counts, kError, s.expected_errno);
    for (const Expression& value : s.values) cover(value, counts);
    cover(s.body, counts);
    cover(s.otherwise, counts);
  }
}

void cover(const RunPoint& point, CoverageCounts counts) {
  const RunSettings& settings = point.settings;
  count(counts, "mode", settings.mode);
  count(counts, kBatch, batch_name(queue_limits(settings).entries));
  count(counts, "split-ptl", settings.split_ptl ? "on" : "off");
  count(counts, "tlb", tlb_name(settings));
  count(counts, "preempt-at", preempt_name(point));
  count(counts, "audit", settings.audit == AuditPolicy::kEveryCall ? "call" : "exit");
  count(counts, "p2m", settings.identity_p2m ? "identity" : "shuffled");
  count(counts, "engine", point.simulated() ? "sim" : "kvm");
}

}  // namespace vmm::fuzz
