// Sequences kept in files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "step.h"

namespace pvmmu::model {

// The regular files of a directory, sorted by name.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory);
std::string contents_of(const std::filesystem::path& file);

}  // namespace pvmmu::model
