// One QEMU process that boots the bed, and the descriptors that lead to it.
//
// It is killed by the destructor, and by the kernel if the thread that started it ends in any other
// way. It is in a process group of its own, so that ^C on the terminal reaches this program alone.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "kvm/unique_fd.h"

namespace vmm {

struct EmulatorConfig {
  std::string qemu;     // path of the program
  std::string kernel;   // path of the kernel image
  std::string ramdisk;  // content: cpio archives, one after the other
  unsigned cpus = 1;
  unsigned memory_mib = 0;
};

class Emulator {
 public:
  static absl::StatusOr<Emulator> start(const EmulatorConfig& config);

  Emulator(Emulator&& other) noexcept;
  Emulator& operator=(Emulator&&) = delete;
  ~Emulator();

  // Read ends that give end of file when QEMU has died.
  int program_output() const { return program_output_.get(); }
  int program_errors() const { return program_errors_.get(); }
  int control() const { return control_.get(); }  // both ways
  int log() const { return log_.get(); }          // QEMU's own words and the bed kernel's console

 private:
  Emulator() = default;

  pid_t pid_ = -1;
  UniqueFd program_output_, program_errors_, control_, log_;
};

}  // namespace vmm
