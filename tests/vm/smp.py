"""Every workload on several processors, over and over, with the recount at the end.

The recount of types and references is part of each run: a disagreement ends it with status 1.
"""

import unittest

from harness import LONG, MODES, VmTest, needs_host_kvm

REPEATS = 50 if LONG else 3
# Tests of their own (accessed_dirty.py), of many rounds.
LEFT_OUT = ("dirty-race-naive",) if LONG else ("dirty-race", "dirty-race-naive")


@needs_host_kvm
class Smp(VmTest):
    def repeat_all(self, vcpus, *flags):
        for workload in (name for name in self.workload_names() if name not in LEFT_OUT):
            for repeat in range(REPEATS):
                with self.subTest(workload=workload, repeat=repeat):
                    run = self.run_workload(
                        workload, f"--vcpus={vcpus}", f"--seed={repeat + 1}", *flags
                    )
                    self.assertNotIn("audit", run.err)

    def test_two_processors(self):
        self.repeat_all(2)

    def test_four_processors(self):
        self.repeat_all(4)

    def test_modes_without_batching_on_two_processors(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                self.run_workload("everything", "--vcpus=2", f"--mode={mode}")

    def test_without_split_locks(self):
        self.run_workload("everything", "--vcpus=2", "--split-ptl=off")

    def test_with_a_tick(self):
        """Preemption by time; on one processor too."""
        for vcpus in (1, 2, 4):
            with self.subTest(vcpus=vcpus):
                self.run_workload("everything", f"--vcpus={vcpus}", "--tick=100")


if __name__ == "__main__":
    unittest.main()
