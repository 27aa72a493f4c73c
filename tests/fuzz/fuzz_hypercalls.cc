// libFuzzer's entry: the input is a sequence of requests on the small domain. It is carried out by
// the MMU and by the reference model, compared, recounted and held to the stale-TLB oracle after
// every step. A failure prints the sequence as text, which tests/model/sequences takes as a test.
#include <cstdio>
#include <cstdlib>

#include "runner.h"
#include "step_bytes.h"
#include "step_text.h"

// Each run makes and drops a few small domains. Sanitizers that keep less of what was freed, and
// shorter stacks of who asked for it, find the same faults in a fraction of the time.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=8:malloc_context_size=6";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pvmmu::model;
  const Scenario scenario = decode({data, size});
  // Every other input also runs element by element.
  const RunOptions options = options_of(size);
  if (const auto failure = run(scenario, options)) {
    std::fprintf(stderr, "%s# step %zu: %s\n", text_of(scenario).c_str(), failure->step,
                 failure->what.c_str());
    std::abort();
  }
  return 0;
}
