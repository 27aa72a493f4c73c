"""A Dirty bit that a processor sets while the kernel changes the entry is never lost."""

import re
import unittest

from harness import LONG, MODES, WORKLOADS, VmTest, needs_host_kvm


@needs_host_kvm
class AccessedDirty(VmTest):
    def lost_rounds(self, name, *flags):
        run = self.run_workload(WORKLOADS / name, "--vcpus=2", *flags)
        said = re.search(r"rounds that lost a Dirty bit: *(\d+)", run.out)
        self.assertIsNotNone(said, str(run))
        return int(said.group(1))

    def test_no_dirty_bit_is_lost_in_ten_thousand_rounds(self):
        self.assertEqual(0, self.lost_rounds("dirty-race.wl"))

    def test_no_dirty_bit_is_lost_in_the_other_modes(self):
        for mode in MODES if LONG else ("emulate", "lazy"):
            with self.subTest(mode=mode):
                self.assertEqual(0, self.lost_rounds("dirty-race.wl", f"--mode={mode}"))

    def test_the_race_is_real(self):
        """The same rounds with a plain read, change and write back do lose some."""
        self.assertGreater(self.lost_rounds("dirty-race-naive.wl"), 0)


if __name__ == "__main__":
    unittest.main()
