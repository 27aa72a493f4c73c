#include "nested/bed.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nested/nested.h"

namespace vmm {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string find_program(absl::string_view name) {
  for (absl::string_view directory : absl::StrSplit(environment("PATH"), ':')) {
    const std::string path = absl::StrCat(directory.empty() ? "." : directory, "/", name);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

}  // namespace

std::string default_bed_directory() {
  if (std::string bed = environment("PVMMU_NESTED_BED"); !bed.empty()) return bed;
  if (std::string cache = environment("XDG_CACHE_HOME"); !cache.empty()) {
    return absl::StrCat(cache, "/pvmmu/nested");
  }
  return absl::StrCat(environment("HOME"), "/.cache/pvmmu/nested");
}

absl::StatusOr<Bed> find_bed(const std::string& directory) {
  Bed bed = {.qemu = find_program("qemu-system-x86_64"),
             .kernel = absl::StrCat(directory, "/vmlinuz"),
             .base_ramdisk = absl::StrCat(directory, "/base.cpio")};
  if (bed.qemu.empty()) {
    return absl::FailedPreconditionError(
        "qemu-system-x86_64 is not installed; on Debian: apt-get install qemu-system-x86");
  }
  // The manifest is written last, so the others are whole if it is there.
  if (access(absl::StrCat(directory, "/MANIFEST").c_str(), R_OK) != 0) {
    return absl::FailedPreconditionError(absl::StrCat("no nested bed in ", directory,
                                                      "; prepare it with: scripts/nested-bed "
                                                      "--directory=",
                                                      directory));
  }
  return bed;
}

}  // namespace vmm
