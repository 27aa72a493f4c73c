"""The laboratory of lazy mode: what the documentation says is what a command prints, and no workload notices a policy."""

import unittest

from documented import ROOT, printed_by
from harness import VmTest, differences, needs_host_kvm, without_varying

POLICIES = ("2007", "2023", "2025", "2026")


def tables(*flags):
    return printed_by("lazy-policies", *flags)


class LazyPolicies(VmTest):
    def test_the_tables_in_the_documentation(self):
        documented = (ROOT / "docs/lazy-mode.md").read_text()
        self.assertIn(tables(), documented, "docs/lazy-mode.md says something else")

    @needs_host_kvm
    def test_the_same_on_the_host(self):
        self.assertEqual(tables("--engine=sim"), tables("--engine=kvm"))

    def test_the_finding_of_2025(self):
        """A switch of threads unwinds one level of two under 2023, and under no other policy."""
        finding = "lazy lab: found: the other thread's change is not made when it goes on\n"
        for policy in POLICIES:
            run = self.pvmmu("run", "--engine=sim", f"--lazy-policy={policy}", "--lazy-schedule=preempt-nested")
            self.assertEqual(policy == "2023", finding in run.out, str(run))
            self.assertEqual(0 if policy == "2026" else 1, run.status, str(run))

    def test_a_mode_that_defers_nothing_breaks_less(self):
        flags = ("--engine=sim", "--lazy-policy=2007", "--mode=single")
        for schedule in ("interrupt", "fault"):
            self.assertEqual(0, self.pvmmu("run", f"--lazy-schedule={schedule}", *flags).status)

    def test_a_workload_is_the_same_under_all(self):
        for workload in ("everything", "mprotect-storm", "age-swap", "threads-shootdown"):
            runs = []
            for policy in POLICIES:
                flags = ("--engine=sim", "--check-rules", "--stats=json", f"--lazy-policy={policy}")
                run = self.pvmmu("run", f"--workload={workload}", *flags)
                self.assertEqual(0, run.status, str(run))
                runs.append(without_varying(run.stats))
            for policy, run in zip(POLICIES, runs):
                self.assertEqual([], differences(runs[0], run), f"{workload} {policy}")

    def test_the_statistics_name_the_schedule(self):
        run = self.pvmmu("run", "--engine=sim", "--lazy-schedule=fault", "--lazy-policy=2026", "--stats=json")
        self.assertEqual("lazy schedule fault", run.stats["workload"])

    def test_bad_usage(self):
        for flags, reason in (
            (("--lazy-policy=2024",), "2007"),
            (("--lazy-schedule=rest",), "preempt-nested"),
            (("--lazy-schedule=nest", "--vcpus=2"), "--lazy-schedule: runs on one vCPU"),
            (("--lazy-schedule=nest", "--workload=hello"), "in place of a --workload"),
            (("--lazy-policy=2023", "other.elf"), "another has none"),
        ):
            self.refused("run", *flags, saying=[reason])


if __name__ == "__main__":
    unittest.main()
