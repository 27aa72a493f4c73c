#include "random_hostile/options.h"

namespace random_hostile {
namespace {

// Whether the text begins with the key; then `text` stands behind it.
bool skip(const char*& text, const char* key) {
  const char* at = text;
  while (*key != 0 && *at == *key) ++at, ++key;
  if (*key != 0) return false;
  text = at;
  return true;
}

uint64_t parse_number(const char* text) {
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text)
    value = value * 10 + static_cast<uint64_t>(*text - '0');
  return value;
}

}  // namespace

Options parse_options(const char* command_line) {
  Options options;
  for (const char* text = command_line; *text != 0; ++text) {
    if (skip(text, "seed=")) options.seed = parse_number(text);
    if (skip(text, "rounds=")) options.rounds = parse_number(text);
    if (skip(text, "seconds=")) options.seconds = parse_number(text);
    if (*text == 0) break;
  }
  return options;
}

}  // namespace random_hostile
