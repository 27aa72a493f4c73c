// Running this program's subcommands again inside the nested bed.
#pragma once

#include "cli/command.h"
#include "cli/kvm_choice.h"
#include "cli/run_settings.h"

namespace vmm {

// `pvmmu run arguments...`; its exit status.
int run_nested_run(const Arguments& arguments, const RunSettings& settings, const KvmPlace& place);
// `pvmmu COMMAND arguments...` for a subcommand that reads these files and runs guests of at most
// so much memory; its exit status.
int run_nested_command(const char* command, const Arguments& arguments, const KvmPlace& place,
                       uint64_t memory_mib, const Arguments& input_files);

// The arguments with --kvm=bed in place of what they say of --kvm.
Arguments with_bed_kvm(const Arguments& arguments);

}  // namespace vmm
