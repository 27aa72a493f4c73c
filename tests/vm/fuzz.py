"""`pvmmu fuzz`: random workloads keep the laws, planted bugs are found and made small."""

import json
import os
import subprocess
import time
import unittest

from harness import LONG, Run, VmTest, needs_host_kvm

PLANTED = os.environ.get("PVMMU_PLANTED", "")
# Statements of what is left of a workload that fails.
SMALL = 15


def planted_bugs():
    if not PLANTED:
        return []
    return subprocess.run([PLANTED, "--list"], capture_output=True, text=True).stdout.split()


class Fuzz(VmTest):
    def fuzz(self, *flags, status=0):
        run = self.pvmmu("fuzz", "--stats=json", *flags, hang_seconds=3000)
        self.assertEqual(status, run.status, str(run))
        for flag in flags:
            if flag.startswith("--count=") and status == 0:
                self.assertEqual(int(flag.removeprefix("--count=")), run.stats["workloads"])
        return run

    def test_random_workloads_keep_the_laws(self):
        run = self.fuzz(f"--count={2000 if LONG else 200}", "--seed=1", "--runs=3")
        stats = run.stats
        self.assertEqual("pvmmu-fuzz-1", stats["schema"])
        self.assertGreaterEqual(stats["runs"], 3 * stats["workloads"])
        self.assertEqual([], stats["failures"])
        never = [name for name, count in stats["covered"]["statements"].items() if count == 0]
        self.assertEqual([], never)
        if LONG:
            for group in ("mode", "batch", "split-ptl", "preempt-at", "functions", "errors"):
                never = [name for name, count in stats["covered"][group].items() if count == 0]
                self.assertEqual([], never, group)

    def test_as_many_as_asked_for_where_some_are_recounted(self):
        stats = self.fuzz("--count=50", "--seed=3").stats
        self.assertEqual(4, stats["covered"]["audit"]["call"])

    def test_random_workloads_on_four_processors(self):
        self.fuzz(f"--count={500 if LONG else 40}", "--seed=2", "--vcpus=4")

    def test_random_workloads_break_no_pte_rule(self):
        for vcpus in (1, 4):
            flags = ("--check-rules", f"--vcpus={vcpus}", "--seed=11")
            stats = self.fuzz(f"--count={500 if LONG else 60}", *flags).stats
            self.assertEqual(0, stats["covered"]["statements"]["protect_naive"])

    @unittest.skipUnless(PLANTED, "needs the program with planted bugs")
    def test_a_breach_of_a_pte_rule_breaks_a_law(self):
        command = [PLANTED, "protect_by_clear_and_set", "fuzz", "--check-rules=powerpc-hash", "--count=50"]
        run = subprocess.run(command, capture_output=True, text=True, cwd=self.directory)
        self.assertEqual(1, run.returncode, run.stderr)
        self.assertIn("pte rule R14 is broken", run.stderr)

    @needs_host_kvm
    def test_random_workloads_on_kvm(self):
        stats = self.fuzz("--engine=kvm", "--kvm=host", f"--count={200 if LONG else 6}").stats
        self.assertGreater(stats["covered"]["engine"]["kvm"], 0)
        self.assertGreater(stats["covered"]["engine"]["sim"], 0)

    @needs_host_kvm
    def test_random_workloads_on_kvm_with_four_processors(self):
        self.fuzz("--engine=kvm", "--kvm=host", "--vcpus=4", f"--count={200 if LONG else 4}")

    def test_the_same_seed_does_the_same_whatever_the_number_of_jobs(self):
        one, other = (
            self.fuzz("--count=100", "--seed=5", f"--jobs={jobs}").stats for jobs in (1, 2)
        )
        for key in ("workloads", "statements", "runs", "covered"):
            self.assertEqual(one[key], other[key], key)

    def test_interrupt_says_what_was_done(self):
        run = self.interrupt_after(2, "fuzz", "--time=600", "--stats=json")
        self.assertEqual([], run.stats["failures"])

    def test_time_ends_it(self):
        start = time.monotonic()
        self.fuzz("--time=1")
        self.assertLess(time.monotonic() - start, 60)

    def test_bad_usage(self):
        for flags, part in (
            (("--kvm=host",), "--kvm: needs --engine=kvm"),
            (("everything",), "takes flags alone"),
            (("--jobs=0",), "--jobs"),
            (("--count=many",), "is no number"),
        ):
            self.refused("fuzz", *flags, saying=[part])

    def test_a_corpus_that_is_no_workload_is_refused(self):
        corpus = self.directory / "corpus"
        corpus.mkdir()
        (corpus / "bad.wl").write_text("# run: --no-such-flag\nyield\n")
        run = self.pvmmu("fuzz", f"--corpus={corpus}", "--count=1")
        self.assertEqual(2, run.status, str(run))
        self.assertIn("bad.wl", run.err)

    # --- with bugs planted in the guest kernel ---

    def planted(self, bug, *arguments):
        done = subprocess.run(
            [PLANTED, bug, *arguments],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=3000,
        )
        return Run([bug, *arguments], done.returncode, done.stdout, done.stderr)

    def found(self, bug):
        corpus = self.directory / bug
        run = self.planted(bug, "fuzz", "--time=300", "--stats=json", f"--corpus={corpus}")
        self.assertEqual(1, run.status, f"{bug} was not found\n{run}")
        failure = run.stats["failures"][0]
        lines = [line for line in failure["workload"].splitlines() if not line.startswith("#")]
        self.assertLess(len(lines), SMALL, f"{bug}\n{run}")
        self.assertIn(failure["file"], [str(path) for path in corpus.iterdir()])
        return corpus, failure

    @unittest.skipUnless(PLANTED, "needs the program with planted bugs")
    def test_planted_bugs_are_found_and_made_small(self):
        bugs = planted_bugs()
        self.assertGreaterEqual(len(bugs), 3)
        for bug in bugs if LONG else bugs[:2]:
            corpus, failure = self.found(bug)
            # What was kept fails again by hand, and does not without the bug.
            if len(failure["runs"]) == 1:
                flags = failure["runs"][0].split()
                arguments = ("run", f"--workload={failure['file']}", "--stats=none", *flags)
                self.assertEqual(1, self.planted(bug, *arguments).status, failure)
                self.assertEqual(0, self.pvmmu(*arguments).status, failure)
            # And it is what a later session tries first.
            again = self.planted(bug, "fuzz", "--count=1", "--stats=json", f"--corpus={corpus}")
            self.assertEqual(1, again.status, str(again))
            self.assertEqual(failure["file"], again.stats["failures"][0]["origin"])

    @unittest.skipUnless(PLANTED, "needs the program with planted bugs")
    def test_the_program_with_no_bug_planted_is_clean(self):
        run = self.planted("none", "fuzz", "--count=50", "--stats=json")
        self.assertEqual(0, run.status, str(run))


if __name__ == "__main__":
    unittest.main()
