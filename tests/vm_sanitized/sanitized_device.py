"""The accelerator's workloads under a VMM built with the sanitizers: in the sim engine, where the device
and the guest kernel are part of the process, and on the host's KVM, where the device has a thread of its
own. What the runs must come to is that of tests/vm/accelerator.py.
"""

import accelerator
from harness import LONG, MODES, needs_host_kvm
from sanitized import SanitizedTest

SEEDS = 5 if LONG else 1


class SanitizedDevice(SanitizedTest, accelerator.Accelerator):
    def run_all(self, engine, vcpu_counts):
        for workload in accelerator.WORKLOADS:
            for protocol in accelerator.PROTOCOLS:
                for vcpus in vcpu_counts:
                    for seed in range(1, SEEDS + 1):
                        with self.subTest(workload=workload, protocol=protocol, vcpus=vcpus):
                            stats = self.good(
                                workload, protocol, engine, f"--vcpus={vcpus}", f"--seed={seed}",
                                f"--mode={MODES[(vcpus + seed) % len(MODES)]}",
                                f"--trace={self.directory}/trace.json",
                            )
                            self.check_balance(stats)

    def test_device_workloads_in_the_sim_engine(self):
        self.run_all("--engine=sim", accelerator.VCPUS)

    @needs_host_kvm
    def test_device_workloads_on_kvm(self):
        self.run_all("--kvm=host", accelerator.VCPUS if LONG else (1, 3))
