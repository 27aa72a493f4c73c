"""Many rounds of threads-shootdown: no thread gets through by a translation that should be gone."""

import unittest

from harness import LONG, VmTest, needs_host_kvm

WORKLOAD = "threads-shootdown"
ROUNDS = "var rounds = 48\n"  # as shipped
SIM_ROUNDS = 1_000_000 if LONG else 1_000
KVM_ROUNDS = 20_000 if LONG else 48
# Three threads touch at least a page a round that was taken from them.
FAULTS_A_ROUND = 3
HANG_SECONDS = 14_000 if LONG else 800


class Shootdown(VmTest):
    def rounds(self, count, *flags):
        """The workload with as many rounds, on four processors, recounted at the end."""
        script = self.pvmmu("workloads", "show", WORKLOAD).out
        self.assertEqual(1, script.count(ROUNDS))
        source = self.write("many-rounds.wl", script.replace(ROUNDS, f"var rounds = {count}\n"))
        run = self.pvmmu(
            "run", f"--workload={source}", "--vcpus=4", "--stats=json", *flags,
            hang_seconds=HANG_SECONDS,
        )
        self.assertEqual(0, run.status, str(run))
        self.assertIn("threads-shootdown: done", run.out)
        faults = run.stats["traps"]["page_fault"]
        self.assertGreaterEqual(faults, FAULTS_A_ROUND * count, "fewer faults than rounds")
        tlb = run.stats["tlb"]
        self.assertGreater(tlb["flush_all"] + tlb["flush_single"], count)

    def test_many_rounds_in_the_sim_engine(self):
        self.rounds(SIM_ROUNDS, "--engine=sim")

    def test_rounds_with_a_processor_that_forgets_and_reloads(self):
        for seed in range(1, 11 if LONG else 3):
            self.rounds(SIM_ROUNDS // 10, "--engine=sim", f"--sim-tlb=random:{seed}", f"--seed={seed}")

    @needs_host_kvm
    def test_many_rounds_on_kvm(self):
        self.rounds(KVM_ROUNDS, "--kvm=host")


if __name__ == "__main__":
    unittest.main()
