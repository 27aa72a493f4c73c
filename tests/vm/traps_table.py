"""What mode best needs: the table in the documentation is what a command prints, and best keeps its promise."""

import os
import pathlib
import subprocess
import sys
import unittest

from harness import PVMMU, VmTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HALVED = ("mprotect-storm", "mmap-munmap", "mremap", "age-swap")


def printed(*flags):
    """The table's lines, and its rows by column heads."""
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts/traps-table"), *flags],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PVMMU": str(PVMMU)},
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    heads, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    return lines, [dict(zip(heads, row)) for row in rows]


class TrapsTable(VmTest):
    @classmethod
    def setUpClass(cls):
        cls.lines, cls.rows = printed()

    def assert_documented(self, lines):
        documented = (ROOT / "docs/best-mode.md").read_text().splitlines()
        missing = [line for line in lines if line not in documented]
        self.assertEqual([], missing, "docs/best-mode.md says something else")

    def test_the_table_in_the_documentation(self):
        self.assert_documented(self.lines)

    def test_how_near_best_is_to_the_floor(self):
        lines, rows = printed("--floor")
        self.assert_documented(lines)
        for row in rows:
            self.assertGreaterEqual(float(row["best / floor"]), 1.0, row)
            self.assertGreater(int(row["system calls"]), 0, row)

    def test_half_of_what_batched_needs(self):
        for row in self.rows:
            if row["workload"].strip("`") in HALVED:
                self.assertLessEqual(float(row["best / batched"]), 0.5, row)

    def test_nothing_costs_more_than_in_batched(self):
        self.assertGreater(len(self.rows), 10)
        for row in self.rows:
            for column in ("off / batched", "best / batched", "all traps"):
                self.assertLessEqual(float(row[column]), 1.0, row)

    def test_other_arguments_are_refused(self):
        run = subprocess.run(
            [sys.executable, str(ROOT / "scripts/traps-table"), "--mode=lazy"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(1, run.returncode)
        self.assertIn("usage:", run.stderr)


if __name__ == "__main__":
    unittest.main()
