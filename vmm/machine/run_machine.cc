#include "machine/run_machine.h"

#include <utility>

#include "machine/domain.h"
#include "machine/kvm_engine.h"

namespace vmm {
namespace {

absl::StatusOr<RunResult> run_on(std::unique_ptr<Engine> engine, const RunOptions& options,
                                 const GuestImage& image, std::span<const std::byte> boot_module) {
  auto domain = Domain::create(options, std::move(engine), image, boot_module);
  if (!domain.ok()) return domain.status();
  RunResult result = (*domain)->run();
  if (options.ended) options.ended(result);
  return result;
}

}  // namespace

absl::StatusOr<RunResult> run_machine(const RunOptions& options,
                                      std::span<const std::byte> guest_elf,
                                      std::span<const std::byte> boot_module) {
  const auto image = parse_guest_image(guest_elf, options.guest_name);
  if (!image.ok()) return image.status();
  auto engine = KvmEngine::create();
  if (!engine.ok()) return engine.status();
  return run_on(*std::move(engine), options, *image, boot_module);
}

absl::StatusOr<RunResult> run_machine(const RunOptions& options, std::unique_ptr<Engine> engine,
                                      std::span<const std::byte> guest_elf,
                                      std::span<const std::byte> boot_module) {
  const auto image = parse_guest_image(guest_elf, options.guest_name);
  if (!image.ok()) return image.status();
  return run_on(std::move(engine), options, *image, boot_module);
}

}  // namespace vmm
