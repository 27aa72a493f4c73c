"""A Dirty bit that a processor sets while the kernel changes the entry is never lost."""

import unittest

from harness import LONG, MODES, VmTest, needs_host_kvm

# 10,000 rounds in lock-step take minutes where the vCPUs' processors have other work.
LOCK_STEP_SECONDS = 1200


@needs_host_kvm
class AccessedDirty(VmTest):
    """The workloads count for themselves: each of 1,000 rounds must leave the page dirty.

    With --long it is 10,000.
    """

    def race(self, *flags):
        workload = self.longer_race() if LONG else "dirty-race"
        arguments = ("run", f"--workload={workload}", "--kvm=host", "--stats=none", *flags)
        run = self.pvmmu(*arguments, hang_seconds=LOCK_STEP_SECONDS)
        self.assertEqual(0, run.status, str(run))
        self.assertIn("no dirty bit lost", run.out, str(run))

    def longer_race(self):
        script = self.pvmmu("workloads", "show", "dirty-race").out
        short, long = "var rounds = 1000\n", "var rounds = 10000\n"
        self.assertEqual(1, script.count(short), script)
        return self.write("longer-race.wl", script.replace(short, long))

    def test_no_dirty_bit_is_lost(self):
        self.race("--vcpus=2")

    def test_no_dirty_bit_is_lost_on_four_processors(self):
        self.race("--vcpus=4")

    def test_no_dirty_bit_is_lost_in_the_other_modes(self):
        for mode in MODES if LONG else ("emulate", "lazy"):
            with self.subTest(mode=mode):
                self.race("--vcpus=2", f"--mode={mode}")

    def test_the_race_is_real(self):
        """With a plain read, change and write back, some of 800 are lost in every run."""
        for vcpus in (2, 4):
            with self.subTest(vcpus=vcpus):
                run = self.run_workload("dirty-race-naive", f"--vcpus={vcpus}")
                self.assertRegex(run.out, r"dirty bits lost: [1-9]", str(run))


if __name__ == "__main__":
    unittest.main()
