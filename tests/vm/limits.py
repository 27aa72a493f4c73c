"""Workloads that want too much or end badly: an errno, a signal or a clear end, never a panic."""

import unittest

from harness import MODES, WORKLOADS, VmTest, needs_host_kvm


@needs_host_kvm
class Limits(VmTest):
    def run_to(self, status, name, *flags):
        run = self.run_workload(WORKLOADS / name, "--memory=16", *flags, status=status)
        for bad in ("panic", "leaked", "crash"):
            self.assertNotIn(bad, run.out + run.err, str(run))
        return run

    def test_more_than_there_is(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                run = self.run_to(0, "limits.wl", f"--mode={mode}")
                self.assertIn("limits: done", run.out)

    def test_more_than_there_is_on_two_processors(self):
        self.run_to(0, "limits.wl", "--vcpus=2")

    def test_forks_without_end(self):
        for flags in ([], ["--vcpus=2"], ["--mode=emulate", "--split-ptl=off"]):
            with self.subTest(flags=flags):
                run = self.run_to(1, "fork-bomb.wl", *flags)
                self.assertRegex(run.out, r"fork-bomb.wl:[0-9]+: fork: got -[0-9]+ \(E(AGAIN|NOMEM)\)")

    def test_children_that_are_left(self):
        for vcpus in (1, 2, 4):
            with self.subTest(vcpus=vcpus):
                run = self.run_to(0, "children-left.wl", f"--vcpus={vcpus}")
                self.assertRegex(run.out, r"pid 1 ended before [0-9]+ other processes")

    def test_a_child_that_fails_ends_the_run(self):
        path = self.write("child.wl", "fork {\n  expect 0\n}\nwhile 1 { yield }\n")
        run = self.run_workload(path, status=1)
        self.assertIn("child.wl:2: expect 0", run.out)
        self.assertIn("pid 1 ended with 1", run.out)


if __name__ == "__main__":
    unittest.main()
