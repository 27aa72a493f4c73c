"""What each way of touching entries costs: the numbers in the documentation are what a command prints."""

import os
import pathlib
import subprocess
import sys
import unittest

from harness import PVMMU, VmTest, needs_host_kvm

ROOT = pathlib.Path(__file__).resolve().parents[2]


@needs_host_kvm
class CallSites(VmTest):
    def test_the_numbers_in_the_documentation(self):
        run = subprocess.run(
            [sys.executable, str(ROOT / "scripts/call-sites"), "--kvm=host"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PVMMU": str(PVMMU)},
        )
        self.assertEqual(0, run.returncode, run.stderr)
        documented = (ROOT / "docs/call-sites.md").read_text().splitlines()
        missing = [line for line in run.stdout.splitlines() if line not in documented]
        self.assertEqual([], missing, "docs/call-sites.md says something else")

    def test_other_arguments_are_refused(self):
        run = subprocess.run(
            [sys.executable, str(ROOT / "scripts/call-sites"), "--mode=lazy"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(1, run.returncode)
        self.assertIn("usage:", run.stderr)


if __name__ == "__main__":
    unittest.main()
