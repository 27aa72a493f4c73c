#include "cli/code_names.h"

#include <memory>
#include <utility>

#include "absl/debugging/symbolize.h"
#include "domain/guest_image.h"
#include "report/crash_report.h"

namespace vmm {
namespace {

std::string name_in_this_program(uint64_t address) {
  char name[256];
  const bool known = absl::Symbolize(reinterpret_cast<const void*>(address), name, sizeof(name));
  return known ? name : "";
}

}  // namespace

CodeNames code_names(EngineKind engine, std::span<const std::byte> guest) {
  // A return address may be the first byte of the next function: the call is in front of it.
  if (engine == EngineKind::kSim) {
    absl::InitializeSymbolizer("/proc/self/exe");
    return [](uint64_t address) { return name_in_this_program(address - 1); };
  }
  absl::StatusOr<GuestImage> parsed = parse_guest_image(guest, "guest");
  if (!parsed.ok()) return [](uint64_t) { return std::string(); };
  return [image = std::make_shared<GuestImage>(*std::move(parsed))](uint64_t address) {
    return symbolise(*image, address - 1);
  };
}

}  // namespace vmm
