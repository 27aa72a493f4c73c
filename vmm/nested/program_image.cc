#include "nested/program_image.h"

#include <elf.h>
#include <link.h>

#include <filesystem>
#include <set>
#include "absl/strings/string_view.h"

#include "absl/strings/str_join.h"
#include "nested/host_file.h"

namespace vmm {
namespace {

// Called for the program itself (empty name, but with the loader's path in its headers), the vdso
// (a name without a slash) and each library.
int collect_object(dl_phdr_info* object, size_t, void* collected) {
  auto& paths = *static_cast<std::set<std::string>*>(collected);
  const absl::string_view name = object->dlpi_name;
  if (name.find('/') != absl::string_view::npos) paths.emplace(object->dlpi_name);
  for (unsigned i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = object->dlpi_phdr[i];
    if (header.p_type != PT_INTERP) continue;
    paths.emplace(reinterpret_cast<const char*>(object->dlpi_addr + header.p_vaddr));
  }
  return 0;
}

}  // namespace

absl::StatusOr<ProgramImage> read_running_program() {
  ProgramImage image;
  absl::StatusOr<std::string> program = read_host_file("/proc/self/exe");
  if (!program.ok()) return program.status();
  image.program = *std::move(program);

  std::set<std::string> paths;
  dl_iterate_phdr(collect_object, &paths);
  std::set<std::string> directories;
  for (const std::string& path : paths) {
    const std::string absolute = std::filesystem::absolute(path).lexically_normal();
    image.libraries.push_back(absolute);
    directories.insert(std::filesystem::path(absolute).parent_path());
  }
  image.search_path = absl::StrJoin(directories, ":");
  return image;
}

}  // namespace vmm
