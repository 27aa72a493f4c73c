// A domain whose refusals are turned into records.
#pragma once

#include <string>

#include "explain/live_frames.h"
#include "explain/refusal_record.h"
#include "explain/refusal_text.h"
#include "test_domain.h"

namespace vmm {

class ExplainTest : public pvmmu::testing::DomainTest {
 protected:
  using Mfn = pvmmu::Mfn;
  using Maddr = pvmmu::Maddr;

  ExplainTest() {
    for (const auto& [frame, pfn] : platform.m2p) {
      if (m2p_.size() <= frame) m2p_.resize(frame + 1, ~uint64_t{0});
      m2p_[frame] = pfn.raw();
    }
  }

  LiveFrames frames() { return LiveFrames(mmu, m2p_); }
  // Of the last request, which must have been refused.
  RefusalRecord record(const AskedFor& asked = {}) {
    EXPECT_TRUE(refusal.refused());
    return make_refusal_record(frames(), 0, refusal, asked);
  }
  std::string text(const AskedFor& asked = {}) { return explanation(record(asked)); }

 private:
  std::vector<uint64_t> m2p_;
};

// That a text contains another.
inline ::testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << part << "\" is not in \"" << text << "\"";
}

}  // namespace vmm
