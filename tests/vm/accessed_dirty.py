"""A Dirty bit that a processor sets while the kernel changes the entry is never lost."""

import unittest

from harness import LONG, MODES, VmTest, needs_host_kvm


@needs_host_kvm
class AccessedDirty(VmTest):
    """The workloads count for themselves: each of 1,000 rounds must leave the page dirty."""

    def test_no_dirty_bit_is_lost(self):
        run = self.run_workload("dirty-race", "--vcpus=2")
        self.assertIn("no dirty bit lost", run.out)

    def test_no_dirty_bit_is_lost_in_the_other_modes(self):
        for mode in MODES if LONG else ("emulate", "lazy"):
            with self.subTest(mode=mode):
                self.run_workload("dirty-race", "--vcpus=2", f"--mode={mode}")

    def test_the_race_is_real(self):
        """With a plain read, change and write back, some of 800 are lost in every run."""
        for vcpus in (2, 4):
            with self.subTest(vcpus=vcpus):
                run = self.run_workload("dirty-race-naive", f"--vcpus={vcpus}")
                self.assertRegex(run.out, r"dirty bits lost: [1-9]", str(run))


if __name__ == "__main__":
    unittest.main()
