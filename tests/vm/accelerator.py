"""The accelerator: what it works out is right, and all that is watched holds, on both engines, under
both protocols, in all modes, on one to four processors."""

import json
import re
import unittest

from harness import LONG, MODES, VmTest, differences, needs_host_kvm, without_varying

WORKLOADS = ("device-copy", "device-race", "device-recall")
PROTOCOLS = ("sequence", "recall")
VCPUS = (1, 2, 3, 4)
# Of each combination of workload, protocol, mode and processors.
SIM_SEEDS = 200 if LONG else 1
KVM_SEEDS = 20 if LONG else 1
# In a short run each mode comes with one number of processors.
KVM_MODES = {1: "best", 2: "batched", 3: "emulate", 4: "lazy"}
HANG_SECONDS = 600


class Accelerator(VmTest):
    def good(self, workload, protocol, *flags):
        run = self.pvmmu(
            "run", f"--workload={workload}", f"--notifier-protocol={protocol}", "--stats=json",
            *flags, hang_seconds=HANG_SECONDS,
        )
        self.assertEqual(0, run.status, str(run))
        self.assertIn(f"{workload} done", run.out)
        return run.stats

    def check_balance(self, stats):
        """Whatever was established has left, and whatever was submitted is over."""
        counters = stats["accelerator"]
        self.assertEqual(counters["established"], counters["taken_out"])
        self.assertEqual(counters["commands"], counters["ended"] + counters["forgotten"])
        self.assertGreater(counters["faults"], 0)
        self.assertGreater(counters["cache_hits"], 0)

    def test_all_workloads_in_the_sim_engine(self):
        retries = 0
        for workload in WORKLOADS:
            for protocol in PROTOCOLS:
                for vcpus in VCPUS:
                    for number, mode in enumerate(MODES):
                        for seed in range(1, SIM_SEEDS + 1):
                            tlb = ("full", f"random:{seed}")[(seed + number) % 2]
                            stats = self.good(
                                workload, protocol, "--engine=sim", f"--vcpus={vcpus}",
                                f"--mode={mode}", f"--seed={seed + number}", f"--sim-tlb={tlb}",
                            )
                            self.check_balance(stats)
                            retries += stats["kernel"]["secondary_retries"] if vcpus > 1 else 0
        self.assertGreater(retries, 100, "the races never came")

    def test_recounted_after_every_call(self):
        for workload in WORKLOADS if LONG else WORKLOADS[:1]:
            for protocol in PROTOCOLS:
                for vcpus in (1, 3):
                    self.good(
                        workload, protocol, "--engine=sim", f"--vcpus={vcpus}", "--audit=call"
                    )

    def test_under_the_rule_checker(self):
        for workload in WORKLOADS:
            self.good(workload, "recall", "--engine=sim", "--vcpus=2", "--check-rules=all")

    @needs_host_kvm
    def test_all_workloads_on_kvm(self):
        for workload in WORKLOADS:
            for protocol in PROTOCOLS:
                for vcpus in VCPUS:
                    for mode in MODES if LONG else (KVM_MODES[vcpus],):
                        for seed in range(1, KVM_SEEDS + 1):
                            stats = self.good(
                                workload, protocol, "--kvm=host", f"--vcpus={vcpus}",
                                f"--mode={mode}", f"--seed={seed}",
                            )
                            self.check_balance(stats)

    @needs_host_kvm
    def test_one_processor_counts_the_same_on_both_engines(self):
        for workload in WORKLOADS:
            for protocol in PROTOCOLS:
                for mode in MODES if LONG else ("batched", "best"):
                    flags = (f"--mode={mode}", "--vcpus=1")
                    sim = without_varying(self.good(workload, protocol, "--engine=sim", *flags))
                    kvm = without_varying(self.good(workload, protocol, "--kvm=host", *flags))
                    self.assertIn("accelerator", sim)
                    del sim["engine"], kvm["engine"]
                    self.assertEqual([], differences(sim, kvm), (workload, protocol, mode))

    def test_runs_repeat(self):
        for vcpus in (1, 4):
            flags = ("--engine=sim", f"--vcpus={vcpus}", "--seed=5")
            one, other = (self.good("device-race", "recall", *flags) for _ in range(2))
            for run in (one, other):
                del run["wall_seconds"]
            text = [re.sub(r'"vcpu_seconds": [^,}]*', "", json.dumps(run)) for run in (one, other)]
            self.assertEqual(text[0], text[1])

    def test_nobody_pays_who_does_not_use_it(self):
        """No call of the private hypercall beyond those that a kernel makes when it boots."""
        for workload in ("hello", "fork-exit", "mprotect-storm"):
            run = self.pvmmu("run", f"--workload={workload}", "--engine=sim", "--stats=json")
            self.assertEqual(0, run.status, str(run))
            self.assertNotIn("accelerator", run.stats)
            self.assertEqual(1, run.stats["hypercalls"]["pvmmu_op"]["calls"])

    def test_without_the_extension_there_is_no_device(self):
        source = self.write(
            "none.wl", "region a 1\nmap a rw\ndevice fill a 1 expect ENOSYS\ndevice wait\n"
        )
        run = self.pvmmu("run", f"--workload={source}", "--engine=sim", "--extensions=off")
        self.assertEqual(0, run.status, str(run))

    def test_a_wrong_result_is_found(self):
        """The tests above can fail: the interpreter compares what it should."""
        script = self.pvmmu("workloads", "show", "device-copy").out
        wrong = script.replace("verify b 7 + page * 512", "verify b 8 + page * 512", 1)
        self.assertNotEqual(script, wrong)
        source = self.write("wrong.wl", wrong)
        run = self.pvmmu("run", f"--workload={source}", "--engine=sim", "--stats=none")
        self.assertEqual(1, run.status, str(run))
        self.assertIn("got 7, expected 8", run.out)


if __name__ == "__main__":
    unittest.main()
