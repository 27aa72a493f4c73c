#include "step_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <sstream>

namespace pvmmu::model {

namespace {

constexpr std::array kCommandNames = {"pin_l1",
                                      "pin_l2",
                                      "pin_l3",
                                      "pin_l4",
                                      "unpin",
                                      "baseptr",
                                      "flush_local",
                                      "invlpg_local",
                                      "flush_multi",
                                      "invlpg_multi",
                                      "flush_all",
                                      "invlpg_all",
                                      "flush_cache",
                                      "set_ldt",
                                      "op14",
                                      "user_baseptr",
                                      "clear_page",
                                      "copy_page",
                                      "flush_cache_global",
                                      "mark_super",
                                      "unmark_super"};
constexpr std::array kOperationNames = {"store", "xchg", "cmpxchg", "and", "or", "bts", "btr"};

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "%#lx", value);
  return value == 0 ? "0" : text;
}

std::string place(uint64_t machine_address) {
  std::string text = std::to_string(machine_address >> kPageShift) + "." +
                     std::to_string(machine_address % kPageSize / 8);
  if (machine_address % 8 != 0) text += "+" + std::to_string(machine_address % 8);
  return text;
}

std::string request_text(StepKind kind, const Request& request) {
  if (kind == StepKind::kUpdate) {
    return place(request.first & ~uint64_t{7}) + "/" + std::to_string(request.first & 7) + "=" +
           hex(request.second);
  }
  const std::string name =
      request.first < kCommandNames.size() ? kCommandNames[request.first] : hex(request.first);
  const std::string third = request.third == 0 ? "" : "," + hex(request.third);
  return name + "(" + hex(request.second) + third + ")";
}

// --- Parsing ------------------------------------------------------------------------------------

std::optional<uint64_t> number(const std::string& text) {
  if (text.empty() || text[0] == '-' || text[0] == '+') return std::nullopt;
  char* end = nullptr;
  const uint64_t value = std::strtoull(text.c_str(), &end, 0);
  return *end == 0 ? std::optional(value) : std::nullopt;
}

// The text before and after the first of these characters; both empty if there is none.
std::pair<std::string, std::string> split(const std::string& text, char at) {
  const size_t found = text.find(at);
  if (found == std::string::npos) return {};
  return {text.substr(0, found), text.substr(found + 1)};
}

std::optional<uint64_t> parse_place(const std::string& text) {
  const auto [frame_text, rest] = split(text, '.');
  const auto [slot_text, offset_text] = split(rest, '+');
  const auto frame = number(frame_text);
  const auto slot = number(slot_text.empty() ? rest : slot_text);
  const auto offset = offset_text.empty() ? std::optional<uint64_t>(0) : number(offset_text);
  if (!frame || !slot || !offset) return std::nullopt;
  return (*frame << kPageShift) + *slot * 8 + *offset;
}

std::optional<Request> parse_update(const std::string& text) {
  const auto [target, value_text] = split(text, '=');
  const auto [place_text, command_text] = split(target, '/');
  const auto at = parse_place(place_text);
  const auto command = number(command_text);
  const auto value = number(value_text);
  if (!at || !command || !value) return std::nullopt;
  return Request{*at | *command, *value, 0};
}

std::optional<Request> parse_operation(const std::string& text) {
  auto [name, arguments] = split(text, '(');
  if (arguments.empty() || arguments.back() != ')') return std::nullopt;
  arguments.pop_back();
  const auto [first, second] = split(arguments, ',');
  const auto known = std::find(kCommandNames.begin(), kCommandNames.end(), name);
  const auto command = known == kCommandNames.end()
                           ? number(name)
                           : std::optional<uint64_t>(std::distance(kCommandNames.begin(), known));
  const auto arg1 = number(first.empty() ? arguments : first);
  const auto arg2 = second.empty() ? std::optional<uint64_t>(0) : number(second);
  if (!command || !arg1 || !arg2) return std::nullopt;
  return Request{*command, *arg1, *arg2};
}

bool parse_write(const std::string& text, WriteOperation& operation) {
  const auto [name, width] = split(text, '.');
  const auto known = std::find(kOperationNames.begin(), kOperationNames.end(), name);
  const auto bytes = number(width);
  if (known == kOperationNames.end() || !bytes || *bytes > 255) return false;
  operation.kind = static_cast<WriteOperation::Kind>(std::distance(kOperationNames.begin(), known));
  operation.width = static_cast<unsigned>(*bytes);
  return true;
}

bool parse_race(const std::string& text, Race& race) {
  const auto [place_text, bits_text] = split(text, ':');
  const auto at = parse_place(place_text);
  const auto bits = number(bits_text);
  if (!at || !bits) return false;
  race = {*at >> kPageShift, static_cast<unsigned>(*at % kPageSize / 8), *bits};
  return true;
}

// One line, word by word.
class LineParser {
 public:
  explicit LineParser(Step& step) : step_(step) {}

  bool parse(const std::vector<std::string>& words) {
    for (size_t i = 1; i < words.size(); ++i) {
      if (!word(words[i])) return false;
    }
    if (!count_given_) step_.count = static_cast<uint32_t>(step_.requests.size());
    return true;
  }

 private:
  bool word(const std::string& text) {
    if (text == "user") return step_.user = true;
    if (text[0] == 'v' && number(text.substr(1))) {
      step_.vcpu = static_cast<unsigned>(*number(text.substr(1)));
      return true;
    }
    if (field(text)) return true;
    if (has_array(step_.kind)) {
      const auto request =
          step_.kind == StepKind::kUpdate ? parse_update(text) : parse_operation(text);
      if (request) step_.requests.push_back(*request);
      return request.has_value();
    }
    if (step_.kind == StepKind::kEmulate && positional_ == 1) {
      ++positional_;
      return parse_write(text, step_.operation);
    }
    return argument(text);
  }

  bool field(const std::string& text) {
    const auto [name, value_text] = split(text, '=');
    if (name == "race") return parse_race(value_text, step_.race);
    const auto value = number(value_text);
    if (!value) return false;
    if (name == "array")
      step_.array = *value;
    else if (name == "done")
      step_.done = *value;
    else if (name == "dom")
      step_.foreigndom = static_cast<uint32_t>(*value);
    else if (name == "flags")
      step_.flags = *value;
    else if (name == "comparand")
      step_.operation.comparand = *value;
    else if (name == "count")
      step_.count = static_cast<uint32_t>(*value);
    else
      return false;
    count_given_ = count_given_ || name == "count";
    return true;
  }

  bool argument(const std::string& text) {
    const auto value = text.find('.') == std::string::npos ? number(text) : parse_place(text);
    if (!value) return false;
    switch (positional_++) {
      case 0:
        step_.address = *value;
        return true;
      case 1:
        step_.value = *value;
        return true;
      case 2:
        step_.operation.operand = *value;
        return step_.kind == StepKind::kEmulate;
      default:
        return false;
    }
  }

  Step& step_;
  unsigned positional_ = 0;
  bool count_given_ = false;
};

bool parse_scenario_line(const std::vector<std::string>& words, Scenario& scenario) {
  for (size_t i = 1; i < words.size(); ++i) {
    const auto [name, value_text] = split(words[i], '=');
    const auto value = number(value_text);
    if (!value) return false;
    if (name == "vcpus" && *value >= 1 && *value <= kMostVcpus) {
      scenario.vcpus = static_cast<unsigned>(*value);
    } else if (name == "limit") {
      scenario.count_limit = static_cast<uint32_t>(*value);
    } else {
      return false;
    }
  }
  return true;
}

bool parse_line(const std::vector<std::string>& words, Scenario& scenario) {
  if (words[0] == "scenario") return parse_scenario_line(words, scenario);
  const auto known = std::find(std::begin(kStepNames), std::end(kStepNames), words[0]);
  if (known == std::end(kStepNames)) return false;
  Step step;
  step.kind = static_cast<StepKind>(std::distance(std::begin(kStepNames), known));
  if (!LineParser(step).parse(words) || step.vcpu >= scenario.vcpus) return false;
  scenario.steps.push_back(std::move(step));
  return true;
}

std::string arguments_text(const Step& step) {
  switch (step.kind) {
    case StepKind::kPoke:
    case StepKind::kDescriptor:
      return " " + place(step.address) + " " + hex(step.value);
    case StepKind::kEmulate:
      return " " + hex(step.address) + " " +
             kOperationNames[static_cast<unsigned>(step.operation.kind)] + "." +
             std::to_string(step.operation.width) + " " + hex(step.operation.operand);
    case StepKind::kSetBase:
      return " " + std::to_string(step.address) + " " + std::to_string(step.value);
    case StepKind::kGetWritable:
    case StepKind::kPutWritable:
    case StepKind::kGetDescriptors:
    case StepKind::kPutDescriptors:
      return " " + std::to_string(step.address);
    case StepKind::kReload:
    case StepKind::kDropBase:
    case StepKind::kUpdate:
    case StepKind::kExt:
      return "";
    default:
      return " " + hex(step.address) + " " + hex(step.value);
  }
}

}  // namespace

std::string text_of(const Step& step) {
  const Step usual;
  std::string text = kStepNames[static_cast<unsigned>(step.kind)];
  text += " v" + std::to_string(step.vcpu);
  if (step.user) text += " user";
  text += arguments_text(step);
  for (const Request& request : step.requests) text += " " + request_text(step.kind, request);
  if (step.count != step.requests.size()) text += " count=" + hex(step.count);
  if (step.array != usual.array) text += " array=" + hex(step.array);
  if (step.done != usual.done) text += " done=" + hex(step.done);
  if (step.foreigndom != usual.foreigndom) text += " dom=" + hex(step.foreigndom);
  if (step.flags != 0) text += " flags=" + hex(step.flags);
  if (step.operation.comparand != 0) text += " comparand=" + hex(step.operation.comparand);
  if (step.race.bits != 0) {
    text += " race=" + std::to_string(step.race.frame) + "." + std::to_string(step.race.slot) +
            ":" + hex(step.race.bits);
  }
  return text;
}

std::string text_of(const Scenario& scenario) {
  std::string text = "scenario vcpus=" + std::to_string(scenario.vcpus) +
                     " limit=" + hex(scenario.count_limit) + "\n";
  for (const Step& step : scenario.steps) text += text_of(step) + "\n";
  return text;
}

std::variant<Scenario, std::string> scenario_from(const std::string& text) {
  Scenario scenario;
  std::istringstream lines(text);
  std::string line;
  for (unsigned at = 1; std::getline(lines, line); ++at) {
    std::istringstream stream(line.substr(0, line.find('#')));
    const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
    if (words.empty() || parse_line(words, scenario)) continue;
    return "line " + std::to_string(at) + ": cannot make sense of: " + line;
  }
  return scenario;
}

}  // namespace pvmmu::model
