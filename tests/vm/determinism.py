"""With one vCPU all counters repeat exactly: run after run, and on any KVM."""

import concurrent.futures
import json
import unittest

from harness import (
    MODES,
    VmTest,
    differences,
    host_kvm_problem,
    needs_host_kvm,
    needs_nested_bed,
    without_varying,
)


class Determinism(VmTest):
    def all_workloads(self, *flags):
        """{(workload, mode): deterministic counters} of every shipped workload, by one command."""
        run = self.pvmmu("bench", "--json", *flags, hang_seconds=1400)
        self.assertEqual(0, run.status, str(run))
        return {
            (entry["workload"], entry["mode"]): without_varying(entry["statistics"])
            for entry in json.loads(run.out)["runs"]
        }

    def at_once(self, *kinds, flags=()):
        with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
            return list(pool.map(lambda kvm: self.all_workloads(f"--kvm={kvm}", *flags), kinds))

    def assert_same(self, one, other):
        self.assertEqual(sorted(one), sorted(other))
        found = [
            f"{workload} {mode} {line}"
            for workload, mode in one
            for line in differences(one[workload, mode], other[workload, mode])
        ]
        self.assertEqual([], found)

    @needs_host_kvm
    def test_two_runs_on_the_host(self):
        one, other = self.at_once("host", "host")
        self.assertEqual({mode for _, mode in one}, set(MODES))
        self.assert_same(one, other)

    @needs_host_kvm
    def test_what_is_compared_is_not_empty(self):
        run = self.run_workload("fork-exit")
        left = without_varying(run.stats)
        self.assertGreater(left["page_table_traps"], 0)
        self.assertGreater(left["traps"]["syscall"], 0)
        self.assertGreater(len(left["phases"]), 1)
        self.assertNotIn("exits", left)

    @needs_host_kvm
    def test_interrupted_hypercalls_count_as_if_they_were_not(self):
        for mode in MODES:
            flags = (f"--mode={mode}",)
            whole = without_varying(self.run_workload("everything", *flags).stats)
            for cuts in ("every", "1", "17", "random:5"):
                cut = self.run_workload("everything", *flags, f"--preempt-at={cuts}")
                self.assertEqual([], differences(whole, without_varying(cut.stats)), cuts)

    @needs_host_kvm
    def test_another_seed_places_frames_elsewhere_and_counts_the_same(self):
        """hello makes no random choice: only the p2m's order differs."""
        one, other = (
            without_varying(self.run_workload("hello", f"--seed={seed}").stats) for seed in (1, 2)
        )
        del one["seed"], other["seed"]
        self.assertEqual([], differences(one, other))

    @needs_nested_bed
    def test_every_kind_of_kvm(self):
        """The host's, and a stock kernel's with nested and with shadow paging, which take their time and
        a processor each. One mode where the host has none: then there is less to compare with."""
        with_host = host_kvm_problem() is None
        flags = () if with_host else ("--mode=batched",)
        kinds = ["nested", "nested-shadow"]
        counts = self.at_once(*kinds, flags=flags)
        if with_host:
            counts.append(self.all_workloads("--kvm=host"))
            kinds.append("host")
        for kvm, counted in zip(kinds[1:], counts[1:]):
            with self.subTest(one=kinds[0], other=kvm):
                self.assert_same(counts[0], counted)


if __name__ == "__main__":
    unittest.main()
