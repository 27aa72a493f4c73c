"""scripts/lint on small trees: each wrong arrow is found, and each right one is not.

usage: lint_test.py SCRIPT
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = sys.argv.pop(1)
HEADERS = ["pvmmu/abi/include/abi/xen.h", "pvmmu/base/include/base/frame.h",
           "pvmmu/include/pvmmu/mmu.h", "multicall/include/multicall/queue.h",
           "guest/abi/include/guest_abi/syscall.h", "guest/kernel/mm/mm.h",
           "guest/kernel/arch/sim/machine.h",
           "guest/user/include/interpreter/thread.h", "guest/user/src/message.h",
           "vmm/kvm/kvm_vm.h"]


class Includes(unittest.TestCase):
    def findings(self, path, line):
        """What lint says of a project in which `path` has this one line."""
        with tempfile.TemporaryDirectory() as root:
            for header in HEADERS:
                self.write(root, header, "#pragma once\n")
            self.write(root, path, line + "\n")
            run = subprocess.run([sys.executable, SCRIPT, "includes", f"--root={root}"],
                                 stdout=subprocess.PIPE, text=True, check=False)
            self.assertEqual(run.returncode, 1 if run.stdout else 0)
            return run.stdout

    @staticmethod
    def write(root, path, text):
        file = pathlib.Path(root, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def assert_wrong(self, path, line):
        self.assertIn(f"{path}:1:", self.findings(path, line))

    def assert_right(self, path, line):
        self.assertEqual(self.findings(path, line), "")

    def test_validator_and_queue_do_not_know_each_other(self):
        self.assert_wrong("pvmmu/src/a.cc", '#include "multicall/queue.h"')
        self.assert_wrong("multicall/include/multicall/a.h", '#include "pvmmu/mmu.h"')

    def test_guest_kernel_sees_no_validator(self):
        self.assert_wrong("guest/kernel/a.cc", '#include "pvmmu/mmu.h"')
        self.assert_wrong("guest/kernel/a.cc", '#include "../../pvmmu/include/pvmmu/mmu.h"')
        self.assert_right("guest/kernel/a.cc", '#include "multicall/queue.h"')
        self.assert_right("guest/kernel/mm/a.cc", '#include "mm/mm.h"')

    def test_monitor_sees_no_guest_kernel(self):
        self.assert_wrong("guest/monitor/a.S", '#include "../kernel/mm/mm.h"')
        self.assert_right("guest/monitor/a.S", '#include "guest_abi/syscall.h"')

    def test_vmm_sees_no_guest_internals(self):
        self.assert_wrong("vmm/a.cc", '#include "mm/mm.h"')
        self.assert_wrong("vmm/a.cc", "#include <../guest/user/src/message.h>")
        self.assert_right("vmm/a.cc", '#include "pvmmu/mmu.h"')
        self.assert_right("vmm/a.cc", '#include "kvm/kvm_vm.h"')

    def test_the_sim_engine_alone_sees_the_simulated_machine(self):
        self.assert_right("vmm/sim/a.cc", '#include "arch/sim/machine.h"')
        self.assert_right("vmm/sim/a.cc", '#include "kvm/kvm_vm.h"')
        self.assert_wrong("vmm/sim/a.cc", '#include "mm/mm.h"')
        self.assert_wrong("vmm/a.cc", '#include "arch/sim/machine.h"')
        self.assert_wrong("guest/kernel/mm/a.cc", '#include "arch/sim/machine.h"')
        self.assert_right("guest/kernel/arch/sim/a.cc", '#include "mm/mm.h"')
        self.assert_wrong("guest/kernel/arch/sim/a.cc", '#include "kvm/kvm_vm.h"')

    def test_libraries_of_the_host_stay_there(self):
        for name in ("absl/status/status.h", "spdlog/spdlog.h", "gtest/gtest.h"):
            self.assert_wrong("pvmmu/src/a.cc", f'#include "{name}"')
            self.assert_wrong("guest/user/src/a.cc", f"#include <{name}>")
            self.assert_right("vmm/a.cc", f'#include "{name}"')
            self.assert_right("tests/a.cc", f'#include "{name}"')

    def test_freestanding_parts_use_no_library(self):
        self.assert_wrong("pvmmu/src/a.cc", "#include <vector>")
        self.assert_wrong("multicall/include/multicall/a.h", "  #  include <mutex>")
        self.assert_right("pvmmu/src/a.cc", "#include <span>")
        self.assert_right("vmm/a.cc", "#include <vector>")

    def test_lower_layers_see_no_upper_ones(self):
        self.assert_wrong("pvmmu/abi/include/abi/a.h", '#include "base/frame.h"')
        self.assert_wrong("pvmmu/base/include/base/a.h", '#include "pvmmu/mmu.h"')
        self.assert_right("pvmmu/base/include/base/a.h", '#include "abi/xen.h"')

    def test_lost_headers_are_found(self):
        self.assert_wrong("pvmmu/src/a.cc", '#include "no_such_header.h"')

    def test_tests_may_see_everything(self):
        self.assert_right("tests/a.cc", '#include "mm/mm.h"')


if __name__ == "__main__":
    unittest.main()
