"""Tests of numbers in the documentation: they are what a command of scripts/ prints."""

import os
import pathlib
import subprocess
import sys

from harness import PVMMU, VmTest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_script(name, *flags):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *flags],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PVMMU": str(PVMMU)},
    )


def printed_by(name, *flags):
    run = run_script(name, *flags)
    assert run.returncode == 0, run.stderr
    return run.stdout


class DocumentedTest(VmTest):
    def assert_documented(self, lines, page):
        documented = (ROOT / "docs" / page).read_text().splitlines()
        missing = [line for line in lines if line not in documented]
        self.assertEqual([], missing, f"docs/{page} says something else")

    def assert_refuses(self, name, flag):
        run = run_script(name, flag)
        self.assertEqual(1, run.returncode)
        self.assertIn("usage:", run.stderr)
