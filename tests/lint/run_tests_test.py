"""How scripts/run-tests counts: what CTest reports is passed, failed or skipped, and nothing is lost.

usage: run_tests_test.py SCRIPT
"""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = sys.argv.pop(1)


def load_script():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("run_tests", SCRIPT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    loader.exec_module(module)
    return module


RUN_TESTS = load_script()
# One test of every fate, run by the real CTest.
TEST_FILE = """
add_test(passes /bin/true)
add_test(fails /bin/false)
add_test(is_missing /nowhere/test)
add_test(skips /bin/sh -c "echo why it skips; exit 77")
set_tests_properties(skips PROPERTIES SKIP_RETURN_CODE 77)
add_test(skips_like_gtest printf "a.cc:1: Skipped\\nno bed\\n\\n[  SKIPPED ] A.B (0 ms)\\n")
set_tests_properties(skips_like_gtest PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED")
add_test(is_disabled /bin/true)
set_tests_properties(is_disabled PROPERTIES DISABLED TRUE)
add_test(hangs /bin/sleep 60)
set_tests_properties(hangs PROPERTIES TIMEOUT 1)
"""


class Counts(unittest.TestCase):
    def tally(self, test_file):
        with tempfile.TemporaryDirectory() as root:
            directory = pathlib.Path(root, "build/release/tests/a")
            directory.mkdir(parents=True)
            (directory / "CTestTestfile.cmake").write_text(test_file)
            tally = RUN_TESTS.Tally()
            RUN_TESTS.ROOT = pathlib.Path(root)
            RUN_TESTS.run_ctest("release", pathlib.Path("tests/a"), tally)
            return tally

    def test_every_fate_is_counted(self):
        tally = self.tally(TEST_FILE)
        self.assertEqual(tally.passed, 1)
        self.assertEqual(sorted(name.split()[0] for name, _ in tally.failed),
                         ["fails", "hangs", "is_missing"])
        self.assertEqual(sorted(tally.skipped), [("is_disabled (release)", "disabled"),
                                                 ("skips (release)", "why it skips"),
                                                 ("skips_like_gtest (release)", "no bed")])

    def test_the_last_line_and_the_status_tell(self):
        self.assert_report(TEST_FILE, "1 passed, 3 failed, 3 skipped", 1)
        self.assert_report("add_test(passes /bin/true)", "1 passed, 0 failed, 0 skipped", 0)
        # A run without a test is no success.
        self.assert_report("", "0 passed, 0 failed, 0 skipped", 1)

    def assert_report(self, test_file, last_line, status):
        tally = self.tally(test_file)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            self.assertEqual(tally.report(), status)
        self.assertEqual(output.getvalue().splitlines()[-1], last_line)


if __name__ == "__main__":
    if subprocess.run(["ctest", "--version"], stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit("ctest is missing")
    unittest.main()
