// Atomic accesses to memory that the guest changes at the same time. Sequentially consistent, as
// the locked instructions are that the guest uses on its side.
#pragma once

#include <atomic>
#include <cstdint>

namespace vmm {

template <typename Word>
Word load_shared(Word& word) {
  return std::atomic_ref<Word>(word).load();
}

template <typename Word>
void store_shared(Word& word, Word value) {
  std::atomic_ref<Word>(word).store(value);
}

template <typename Word>
Word exchange_shared(Word& word, Word value) {
  return std::atomic_ref<Word>(word).exchange(value);
}

// Bit `bit` of an array of words; each of the two returns whether it was set before.
template <typename Word>
bool test_and_set_bit(Word* words, unsigned bit) {
  constexpr unsigned kBits = sizeof(Word) * 8;
  const Word mask = Word{1} << (bit % kBits);
  return (std::atomic_ref<Word>(words[bit / kBits]).fetch_or(mask) & mask) != 0;
}

template <typename Word>
bool test_and_clear_bit(Word* words, unsigned bit) {
  constexpr unsigned kBits = sizeof(Word) * 8;
  const Word mask = Word{1} << (bit % kBits);
  return (std::atomic_ref<Word>(words[bit / kBits]).fetch_and(~mask) & mask) != 0;
}

template <typename Word>
bool test_bit(Word* words, unsigned bit) {
  constexpr unsigned kBits = sizeof(Word) * 8;
  return (load_shared(words[bit / kBits]) >> (bit % kBits) & 1) != 0;
}

}  // namespace vmm
