"""The sim engine: the same counts as on KVM, whatever the processor remembers, and no KVM needed."""

import json
import signal
import unittest

from harness import MODES, WORKLOADS, VmTest, differences, needs_host_kvm, without_varying

TLBS = ("none", "full", "random:1", "random:2")


class SimEngine(VmTest):
    def simulate(self, workload, *flags, status=0):
        run = self.pvmmu(
            "run", f"--workload={workload}", "--engine=sim", "--stats=json", *flags
        )
        self.assertEqual(status, run.status, str(run))
        return run

    def all_workloads(self, *flags):
        """{(workload, mode): deterministic counters but for the engine's name}."""
        run = self.pvmmu("bench", "--json", *flags)
        self.assertEqual(0, run.status, str(run))
        result = {}
        for entry in json.loads(run.out)["runs"]:
            statistics = without_varying(entry["statistics"])
            del statistics["engine"]
            result[entry["workload"], entry["mode"]] = statistics
        return result

    def assert_same(self, one, other):
        self.assertEqual(sorted(one), sorted(other))
        self.assertEqual({mode for _, mode in one}, set(MODES))
        found = [
            f"{workload} {mode} {line}"
            for workload, mode in one
            for line in differences(one[workload, mode], other[workload, mode])
        ]
        self.assertEqual([], found)

    @needs_host_kvm
    def test_counts_are_those_of_kvm(self):
        simulated = self.all_workloads("--engine=sim")
        self.assertGreater(simulated["fork-exit", "batched"]["page_table_traps"], 0)
        self.assert_same(self.all_workloads("--kvm=host"), simulated)

    @needs_host_kvm
    def test_counts_are_those_of_kvm_with_other_settings(self):
        for flags in (
            ("--batch=8:128", "--split-ptl=off", "--mode=batched,lazy"),
            ("--memory=128", "--seed=7", "--p2m=identity", "--mode=batched,emulate"),
        ):
            runs = [
                json.loads(self.pvmmu("bench", "everything", "--json", *flags, where).out)["runs"]
                for where in ("--engine=sim", "--kvm=host")
            ]
            for sim, kvm in zip(*runs):
                one, other = (without_varying(entry["statistics"]) for entry in (sim, kvm))
                del one["engine"], other["engine"]
                self.assertEqual([], differences(one, other), flags)

    def test_counts_are_the_same_with_every_tlb(self):
        one = self.all_workloads("--engine=sim", f"--sim-tlb={TLBS[0]}")
        for tlb in TLBS[1:]:
            self.assert_same(one, self.all_workloads("--engine=sim", f"--sim-tlb={tlb}"))

    def test_the_status_of_a_process_is_its_first_threads(self):
        """Also where another thread ends later, which has said before that it is done."""
        for vcpus in (1, 2, 4):
            for seed in (1, 2, 3):
                self.simulate(WORKLOADS / "exit-status.wl", f"--vcpus={vcpus}", f"--seed={seed}")

    def test_speculation_is_seen_where_pages_age_and_nowhere_else(self):
        """A processor may set Accessed on pages that nobody uses: then more of them are young."""
        plain = self.all_workloads("--engine=sim")
        speculative = self.all_workloads("--engine=sim", "--sim-tlb=speculative:1")
        for (workload, mode), counters in speculative.items():
            other = plain[workload, mode]
            operations = counters["operations"].pop("age", None), other["operations"].pop("age", None)
            if operations == (None, None):
                self.assertEqual([], differences(counters, other), (workload, mode))
            else:
                self.assertEqual(
                    [], differences(counters["operations"], other["operations"]), (workload, mode)
                )

    def test_a_random_tlb_does_what_others_do_not(self):
        def spurious(tlb):
            return self.simulate("everything", f"--sim-tlb={tlb}").stats["traps"]["spurious_fault"]

        self.assertEqual(0, spurious("none"))
        self.assertGreater(spurious("random:1"), 0)

    def test_one_seed_is_one_run_also_on_several_vcpus(self):
        def counters(seed):
            stats = self.simulate("everything", "--vcpus=4", f"--seed={seed}").stats
            del stats["wall_seconds"], stats["seed"]
            for scope in (stats["phases"], stats["operations"].values()):
                for counters in scope:
                    del counters["vcpu_seconds"]
            return stats

        one = counters(1)
        self.assertEqual([], differences(one, counters(1)))
        self.assertNotEqual([], differences(one, counters(2)))

    def test_every_workload_on_several_vcpus(self):
        for workload in self.workload_names():
            for vcpus, tlb in ((2, "full"), (3, "none"), (4, "random:5")):
                self.simulate(workload, f"--vcpus={vcpus}", f"--sim-tlb={tlb}")

    def test_vcpus_meet_between_a_read_and_its_update(self):
        """Each run loses Dirty bits where entries are changed the wrong way, none the right way."""
        for seed in range(1, 4):
            self.simulate("dirty-race", "--vcpus=2", f"--seed={seed}")
            run = self.simulate("dirty-race-naive", "--vcpus=2", f"--seed={seed}")
            self.assertNotIn("dirty bits lost: 0\n", run.out)

    def test_no_stale_translation_is_ever_used(self):
        """Without the kernel's flushes this fails with every TLB but none."""
        for vcpus in (1, 2, 4):
            for tlb in (*TLBS, "speculative:1"):
                self.simulate(
                    WORKLOADS / "shootdown.wl", f"--vcpus={vcpus}", f"--sim-tlb={tlb}"
                )

    def test_a_tick_preempts_at_the_same_moments_every_time(self):
        def upcalls():
            return self.simulate("everything", "--tick=1000").stats["upcalls"]

        first = upcalls()
        self.assertGreater(first, 0)
        self.assertEqual(first, upcalls())

    def test_memory_from_little_to_much(self):
        for mib in (16, 256, 2048):
            self.simulate("everything", f"--memory={mib}")

    def test_a_failing_workload_and_a_crashing_kernel(self):
        run = self.simulate(WORKLOADS / "failing.wl", status=1)
        self.assertIn("got 41, expected 42", run.out)
        run = self.pvmmu("run", "--engine=sim", "--cmdline=nonsense", "--stats=json")
        self.assertEqual(1, run.status, str(run))
        self.assertIn("kernel panic", run.out)
        self.assertIn("the guest crashed", run.err)
        self.assertIn("last hypercalls", run.err)
        self.assertEqual(1, run.stats["exit_code"])

    def test_a_time_out_and_an_interrupt(self):
        endless = WORKLOADS / "endless.wl"
        for vcpus in (1, 3):
            run = self.simulate(endless, "--timeout=0.3", f"--vcpus={vcpus}", status=124)
            self.assertTrue(run.stats["partial"])
        arguments = ("run", f"--workload={endless}", "--engine=sim", "--stats=json")
        process = self.start(*arguments)
        self.wait_for_output(process, "endless\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(130, self.finish(process, arguments).status)

    def test_bad_usage(self):
        for flags, reason in (
            (("--engine=sim", "--kvm=host"), "needs no KVM"),
            (("--sim-tlb=full",), "needs --engine=sim"),
            (("--engine=sim", "--sim-tlb=some"), "none of none, full, random:SEED, speculative:SEED"),
            (("--engine=sim", "--sim-tlb=random:x"), "none of none, full, random:SEED, speculative:SEED"),
            (("--engine=sim", "other.elf"), "the built-in guest only"),
            (("--engine=qemu",), "--engine"),
        ):
            run = self.pvmmu("run", *flags)
            self.assertEqual(2, run.status, str(run))
            self.assertIn(reason, run.err)


if __name__ == "__main__":
    unittest.main()
