"""The rule checker: the kernel breaks no rule in any mode, no count changes, and a breach is named."""

import os
import pathlib
import re
import subprocess
import unittest

from harness import MODES, VmTest, differences, needs_host_kvm, without_varying

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/pte-access-rules.md"
PLANTED = os.environ.get("PVMMU_PLANTED", "")
# Breaches that no shipped workload gets to alone.
NOT_REACHED = ("hide_blocked", "relax_drops_accessed")
# Breaks rules on purpose.
NAIVE = "dirty-race-naive"
# docs/sim-engine.md names the workload that the sim engine cannot run on several vCPUs.
SIM_ON_ONE_VCPU = ("exec-like",)
# Between them they touch entries in every way.
SOME = ("everything", "age-swap", "mremap", "write-notify", "threads-shootdown", "exec-like")


class CheckRules(VmTest):
    def simulate(self, workload, *flags, status=0):
        run = self.pvmmu(
            "run", f"--workload={workload}", "--engine=sim", "--stats=json", *flags
        )
        self.assertEqual(status, run.status, str(run))
        return run

    def assert_clean(self, run):
        rules = run.stats["pte_rules"]
        self.assertEqual({}, rules["breaches"], str(run))
        self.assertEqual(0, rules["events_not_judged"], str(run))
        self.assertGreater(rules["events"], 50, str(run))
        self.assertNotIn("first_breach", rules)

    def without_rules(self, run):
        stats = without_varying(run.stats)
        stats.pop("pte_rules", None)
        return stats

    def test_no_workload_breaks_one_and_no_count_changes(self):
        for workload in self.workload_names():
            if workload == NAIVE:
                continue
            for mode in MODES:
                plain = self.simulate(workload, f"--mode={mode}")
                checked = self.simulate(workload, f"--mode={mode}", "--check-rules")
                self.assert_clean(checked)
                self.assertNotIn("pte_rules", plain.stats)
                found = differences(self.without_rules(plain), self.without_rules(checked))
                self.assertEqual([], found, f"{workload} {mode}")

    def test_nor_without_split_locks_or_with_small_queues(self):
        for workload in SOME:
            for flags in (("--split-ptl=off",), ("--batch=3",), ("--batch=1",), ("--sim-tlb=random:2",)):
                self.assert_clean(self.simulate(workload, "--check-rules", *flags))

    def test_nor_on_several_processors(self):
        for workload in self.workload_names():
            if workload == NAIVE or workload in SIM_ON_ONE_VCPU:
                continue
            for vcpus in (2, 3, 4):
                mode = MODES[vcpus % len(MODES)]
                flags = (f"--vcpus={vcpus}", f"--mode={mode}", f"--seed={vcpus}")
                self.assert_clean(self.simulate(workload, "--check-rules", *flags))

    def test_hash_entries_that_had_to_go_accuse_nobody(self):
        for workload in ("everything", "mremap"):
            run = self.simulate(workload, "--check-rules")
            self.assert_clean(run)
            table = run.stats["pte_rules"]["hash_table"]
            self.assertGreater(table["evicted"], 100)
            self.assertGreater(table["inserted"], table["evicted"])
            self.assertGreater(table["batches"], 20)

    @needs_host_kvm
    def test_nor_on_the_host(self):
        for workload in SOME:
            for vcpus, mode in ((1, "batched"), (2, "lazy"), (3, "emulate"), (4, "batched"), (4, "single")):
                flags = (f"--vcpus={vcpus}", f"--mode={mode}", "--check-rules")
                self.assert_clean(self.run_workload(workload, *flags))

    @needs_host_kvm
    def test_the_counts_of_the_host_do_not_change_either(self):
        for workload in SOME:
            plain = self.run_workload(workload)
            checked = self.run_workload(workload, "--check-rules")
            found = differences(self.without_rules(plain), self.without_rules(checked))
            self.assertEqual([], found, workload)

    def assert_named(self, run, rule, model, first, then):
        self.assertIn(f"pte rule {rule} ({model}) is broken: ", run.out)
        self.assertIn(f"*** pte rule {rule} ({model}) is broken: ", run.err)
        self.assertIn("entry of address 0x10000000\n", run.err)
        self.assertRegex(run.err, f"(?s)\nfirst: {first}, .*\nthen: {then}, .*protect")
        breach = run.stats["pte_rules"]["first_breach"]
        self.assertEqual(rule, breach["rule"])
        self.assertEqual([first, then], [breach[which]["event"] for which in ("first", "second")])

    def test_a_breach_is_named_by_each_model_alone(self):
        for model, rule, first, then in (
            ("x86", "R9", "read", "update"),
            ("powerpc-hash", "R3", "clear A and D", "modify by read and store"),
            ("s390", "R18", "clear A and D", "modify by read and store"),
        ):
            run = self.simulate(NAIVE, f"--check-rules={model}", status=1)
            self.assertIn(f"kernel panic on vCPU 0: pte rule {rule} is broken", run.out)
            self.assert_named(run, rule, model, first, then)

    @needs_host_kvm
    def test_a_breach_on_the_host(self):
        run = self.run_workload(NAIVE, "--check-rules=x86", status=1)
        self.assert_named(run, "R9", "x86", "read", "update")
        self.assertIn("the guest crashed", run.err)
        self.assertRegex(run.err, "kernel::PteModification|kernel::pte_read")

    def test_a_report_lets_it_run(self):
        run = self.simulate(NAIVE, "--check-rules=report")
        rules = run.stats["pte_rules"]
        self.assertEqual(["x86", "powerpc-hash", "s390"], rules["models"])
        self.assertEqual({"R3", "R9", "R18"}, set(rules["breaches"]))
        self.assertEqual(1, len(set(rules["breaches"].values())))
        self.assertEqual(1, run.out.count("pte rule R9"), "told once")

    @unittest.skipUnless(PLANTED, "needs the program with breaches")
    def test_breaches_in_whole_runs(self):
        row = re.compile(r"\| `(\w+)` \| [^|]+ \| (R\d+|-) \| (R\d+|-) \| (R\d+|-) \|")
        rows = row.findall(DOCUMENT.read_text())
        self.assertEqual(30, len(rows))
        for name, *rules in rows:
            for model, rule in zip(("x86", "powerpc-hash", "s390"), rules):
                flags = ["--engine=sim", "--workload=everything", f"--check-rules={model}", "--stats=none"]
                run = subprocess.run([PLANTED, name, "run", *flags], capture_output=True, text=True)
                named = re.findall(r"\*\*\* pte rule (R\d+) ", run.stderr)
                expected = [] if rule == "-" or name in NOT_REACHED else [rule]
                self.assertEqual(expected, named, f"{name} {model}\n{run.stdout}{run.stderr}")

    def test_the_document_names_tests_that_exist(self):
        section = DOCUMENT.read_text().split("### Where it is shown")[1].split("###")[0]
        sources = [path.read_text() for path in ROOT.glob("tests/**/*_test.cc")]
        # Tests that are made by a build script, one for each mix-up.
        made = {"ScopeMixups": ROOT / "tests/abi/CMakeLists.txt"}
        claims = [cells for cells in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section, re.M)][1:]
        self.assertGreater(len(claims), 10)
        for claim, shown in claims:
            named = re.findall(r"`([^`]+)`", shown)
            files = [name for name in named if "/" in name]
            for name in files:
                self.assertTrue((ROOT / name).exists(), f"{claim}: {name}")
            for name in named:
                if re.fullmatch(r"test_\w+", name):
                    self.assertTrue(any(f"def {name}(" in (ROOT / file).read_text() for file in files), name)
                elif suite := re.fullmatch(r"(\w+)\.(\w+|\*)", name):
                    if suite[1] in made:
                        self.assertIn(suite[1], made[suite[1]].read_text())
                        continue
                    test = r"\w+" if suite[2] == "*" else suite[2]
                    pattern = re.compile(rf"TEST(_F|_P)?\(\s*{suite[1]},\s*{test}\)")
                    self.assertTrue(any(pattern.search(text) for text in sources), f"{claim}: {name}")

    def test_bad_usage(self):
        for flags, reason in (
            (("--check-rules=sparc",), '"sparc" is none of x86, powerpc-hash, s390, all, report'),
            (("--check-rules", "other.elf"), "another guest has none"),
        ):
            self.refused("run", *flags, saying=[reason])


if __name__ == "__main__":
    unittest.main()
