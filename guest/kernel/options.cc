#include "options.h"

#include "arch/cpu.h"

namespace kernel {
namespace {

// A piece of the command line.
struct Word {
  const char* text;
  size_t length;

  bool equals(const char* other) const {
    size_t i = 0;
    while (i < length && other[i] == text[i]) {
      ++i;
    }
    return i == length && other[i] == '\0';
  }
  // The part before the first `separator`; `rest` gets what is behind it. The whole word if there
  // is none, and an empty rest without text.
  Word cut(char separator, Word& rest) const {
    for (size_t i = 0; i < length; ++i) {
      if (text[i] == separator) {
        rest = {text + i + 1, length - i - 1};
        return {text, i};
      }
    }
    rest = {nullptr, 0};
    return *this;
  }
};

// A decimal number up to `maximum`.
bool read_number(Word word, uint64_t maximum, uint64_t& number) {
  uint64_t value = 0;
  for (size_t i = 0; i < word.length; ++i) {
    if (word.text[i] < '0' || word.text[i] > '9') {
      return false;
    }
    const auto digit = static_cast<uint64_t>(word.text[i] - '0');
    if (digit > maximum || value > (maximum - digit) / 10) {
      return false;
    }
    value = value * 10 + digit;
  }
  number = value;
  return word.length != 0;
}

bool read_mode(Word value, Mode& mode) {
  for (const Mode candidate :
       {Mode::kEmulate, Mode::kSingle, Mode::kLazy, Mode::kBatched, Mode::kBest}) {
    if (value.equals(mode_name(candidate))) {
      mode = candidate;
      return true;
    }
  }
  return false;
}

bool read_switch(Word value, bool& on) {
  on = value.equals("on");
  return on || value.equals("off");
}

bool read_protocol(Word value, NotifierProtocol& protocol) {
  protocol = value.equals("recall") ? NotifierProtocol::kRecall : NotifierProtocol::kSequence;
  return value.equals("recall") || value.equals("sequence");
}

bool read_batch(Word value, multicall::Limits& limits) {
  Word bytes_word;
  uint64_t entries = 0;
  uint64_t bytes = 0;
  if (!read_number(value.cut(':', bytes_word), multicall::kMaxEntries, entries)) {
    return false;
  }
  if (bytes_word.text == nullptr) {
    limits = entries == 1 ? multicall::kUnbatchedLimits
                          : multicall::limits_for_entries(static_cast<unsigned>(entries));
  } else {
    if (!read_number(bytes_word, multicall::kMaxArgumentBytes, bytes)) {
      return false;
    }
    limits = {static_cast<unsigned>(entries), static_cast<unsigned>(bytes)};
  }
  return limits.valid();
}

bool read_unsigned(Word value, unsigned minimum, unsigned maximum, unsigned& number) {
  uint64_t wide = 0;
  if (!read_number(value, maximum, wide) || wide < minimum) {
    return false;
  }
  number = static_cast<unsigned>(wide);
  return true;
}

// Models of pte_rules/ by name, and whether breaches are only counted.
bool read_rules(Word value, pte_rules::Settings& rules) {
  rules.models = 0;
  rules.report = false;
  while (value.text != nullptr) {
    Word rest;
    const Word name = value.cut(',', rest);
    value = rest;
    uint32_t models = name.equals("all") ? guest_abi::kAllPteModels : 0;
    for (const guest_abi::PteModelName& model : guest_abi::kPteModelNames) {
      models |= name.equals(model.name) ? static_cast<uint32_t>(model.model) : 0;
    }
    const bool report = name.equals("report");
    if (models == 0 && !report) {
      return false;
    }
    rules.models |= models;
    rules.report |= report;
  }
  return rules.models != 0;
}

// The one of `names` that the word is.
template <typename Choice, size_t kCount>
bool read_choice(Word value, const char* const (&names)[kCount], Choice& choice) {
  for (size_t i = 0; i < kCount; ++i) {
    if (value.length != 0 && value.equals(names[i])) {
      choice = static_cast<Choice>(i);
      return true;
    }
  }
  return false;
}

bool read_option(Word word, Options& options) {
  constexpr unsigned kMaxTickHz = 1000;
  Word value;
  const Word key = word.cut('=', value);
  if (value.text == nullptr) {
    return false;
  }
  if (key.equals("mode")) {
    return read_mode(value, options.mode);
  }
  if (key.equals("split_ptl")) {
    return read_switch(value, options.split_ptl);
  }
  if (key.equals("batch")) {
    return read_batch(value, options.batch);
  }
  if (key.equals("seed")) {
    return read_number(value, UINT64_MAX, options.seed);
  }
  if (key.equals("tick")) {
    return read_unsigned(value, 0, kMaxTickHz, options.tick_hz);
  }
  if (key.equals("notifier")) {
    return read_protocol(value, options.notifier_protocol);
  }
  if (key.equals("check_rules")) {
    return read_rules(value, options.rules);
  }
  if (key.equals("trace_pte")) {
    return read_number(value, UINT64_MAX, options.rules.traced);
  }
  if (key.equals("lazy_policy")) {
    return read_choice(value, guest_abi::kLazyPolicyNames, options.lazy_policy);
  }
  if (key.equals("lazy_schedule")) {
    return read_choice(value, guest_abi::kLazyScheduleNames, options.lazy_schedule);
  }
  if (key.equals("vcpus")) {
    return read_unsigned(value, 1, kMaxCpus, options.vcpus);
  }
  return false;
}

constinit Options current_options;

}  // namespace

OptionError parse_options(const char* text, size_t size, Options& options) {
  size_t at = 0;
  while (at < size && text[at] != '\0') {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    const size_t start = at;
    while (at < size && text[at] != '\0' && text[at] != ' ') {
      ++at;
    }
    const Word word{text + start, at - start};
    if (!read_option(word, options)) {
      return {word.text, static_cast<unsigned>(word.length)};
    }
  }
  return {};
}

const Options& options() {
  return current_options;
}

void set_options(const Options& options) {
  current_options = options;
}

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::kEmulate:
      return "emulate";
    case Mode::kSingle:
      return "single";
    case Mode::kLazy:
      return "lazy";
    case Mode::kBatched:
      return "batched";
    case Mode::kBest:
      return "best";
  }
  return "?";
}

}  // namespace kernel
