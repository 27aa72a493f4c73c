"""The numbers that batching must reach, counted on the real path."""

import unittest

from harness import MODES, VmTest, needs_host_kvm


@needs_host_kvm
class Golden(VmTest):
    def phase_traps(self, workload, label, *flags):
        run = self.run_workload(workload, "--mode=batched", "--split-ptl=on", *flags)
        return run, run.phase(label)["page_table_traps"]

    def test_populate_is_17_hypercalls(self):
        """512 entries, 31 to a flush: a new entry or extension needs used + size < 512."""
        run, traps = self.phase_traps("populate-512", "populate")
        self.assertEqual(17, traps, str(run))
        phase = run.phase("populate")
        self.assertEqual(512, phase["hypercalls"]["mmu_update"]["ops"])
        self.assertEqual(0, phase["traps"]["emulated_write"])
        self.assertEqual(512, phase["kernel"]["pte_updates"])

    def test_populate_without_batching_is_512_hypercalls(self):
        run, traps = self.phase_traps("populate-512", "populate", "--batch=1")
        self.assertEqual(512, traps, str(run))

    def test_pin_is_33_hypercalls(self):
        """Two entries for each of 512 pte pages, 32 to a batch; the rest rides in the last."""
        run, traps = self.phase_traps("pin-512", "pin")
        self.assertEqual(33, traps, str(run))
        self.assertLessEqual(run.stats["multicall"]["max_locks_held"], 16)
        self.assertGreater(run.stats["multicall"]["max_locks_held"], 0)
        self.assertGreaterEqual(run.phase("pin")["mmu"]["pins"], 512)
        self.assertGreaterEqual(run.phase("unpin")["mmu"]["unpins"], 512)

    def test_larger_batches_are_fewer_hypercalls(self):
        _, classical = self.phase_traps("populate-512", "populate")
        _, larger = self.phase_traps("populate-512", "populate", "--batch=128:4096")
        self.assertLess(larger, classical)

    def assert_order(self, workload):
        traps = {
            mode: self.run_workload(workload, f"--mode={mode}").stats["page_table_traps"]
            for mode in MODES
        }
        self.assertGreaterEqual(traps["emulate"], traps["single"], traps)
        self.assertGreater(traps["single"], traps["lazy"], traps)
        self.assertGreater(traps["lazy"], traps["batched"], traps)
        self.assertGreater(traps["batched"], traps["best"], traps)
        return traps

    def test_modes_of_mprotect_storm(self):
        traps = self.assert_order("mprotect-storm")
        self.assertLessEqual(traps["batched"] * 20, traps["single"], traps)

    def test_modes_of_everything(self):
        self.assert_order("everything")


if __name__ == "__main__":
    unittest.main()
