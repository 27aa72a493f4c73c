"""A Dirty bit that a processor sets while the kernel changes the entry is never lost."""

import re
import unittest

from harness import LONG, MODES, VmTest, needs_host_kvm


@needs_host_kvm
class AccessedDirty(VmTest):
    """The workloads count for themselves: 10,000 rounds, each of which must leave the page dirty."""

    def test_no_dirty_bit_is_lost(self):
        run = self.run_workload("dirty-race", "--vcpus=2")
        self.assertIn("no dirty bit lost", run.out)

    def test_no_dirty_bit_is_lost_in_the_other_modes(self):
        for mode in MODES if LONG else ("emulate", "lazy"):
            with self.subTest(mode=mode):
                self.run_workload("dirty-race", "--vcpus=2", f"--mode={mode}")

    def test_the_race_is_real(self):
        """With a plain read, change and write back some are lost. Which rounds lose one is a matter
        of microseconds, so a run without a loss is tried again: one of eight must have some."""
        for attempt in range(8):
            run = self.pvmmu(
                "run", "--workload=dirty-race-naive", "--kvm=host", "--stats=none",
                f"--vcpus={2 + attempt % 2 * 2}",
            )
            self.assertRegex(run.out, r"dirty bits lost: *[0-9]", str(run))
            if re.search(r"dirty bits lost: *[1-9]", run.out):
                return
        self.fail("no Dirty bit was lost in eight runs: the test cannot see a loss")


if __name__ == "__main__":
    unittest.main()
