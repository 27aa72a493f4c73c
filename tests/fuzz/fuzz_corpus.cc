// Between sequences as text and inputs of the fuzzer.
//   fuzz_corpus encode SEQUENCE.txt INPUT   makes an input of a sequence
//   fuzz_corpus print INPUT...              prints inputs as sequences, with what each step answers
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>

#include "runner.h"
#include "sequence_file.h"
#include "step_bytes.h"
#include "step_text.h"

namespace pvmmu::model {
namespace {

int encode_file(const char* from, const char* to) {
  const auto parsed = scenario_from(contents_of(from));
  if (std::holds_alternative<std::string>(parsed)) {
    std::fprintf(stderr, "%s: %s\n", from, std::get<std::string>(parsed).c_str());
    return 1;
  }
  const std::vector<uint8_t> bytes = encode(std::get<Scenario>(parsed));
  std::ofstream stream(to, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (stream) return 0;
  std::fprintf(stderr, "cannot write %s\n", to);
  return 1;
}

int print_file(const char* from) {
  const std::string bytes = contents_of(from);
  const Scenario scenario = decode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  Scenario head = scenario;
  head.steps.clear();
  std::printf("%s", text_of(head).c_str());
  Comparison run(scenario, {});
  for (const Step& step : scenario.steps) {
    const auto broken = run.apply(step);
    std::printf("%s  # %s\n", text_of(step).c_str(), run.last_answer().c_str());
    if (!broken) continue;
    std::printf("# FAILS: %s\n", broken->c_str());
    return 1;
  }
  return 0;
}

int main_of(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "encode") == 0) return encode_file(argv[2], argv[3]);
  if (argc >= 3 && std::strcmp(argv[1], "print") == 0) {
    int status = 0;
    for (int i = 2; i < argc; ++i) status |= print_file(argv[i]);
    return status;
  }
  std::fprintf(stderr,
               "usage: fuzz_corpus encode SEQUENCE.txt INPUT\n"
               "       fuzz_corpus print INPUT...\n");
  return 2;
}

}  // namespace
}  // namespace pvmmu::model

int main(int argc, char** argv) {
  try {
    return pvmmu::model::main_of(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fuzz_corpus: %s\n", error.what());
    return 1;
  }
}
