"""Guests that try to get round the hypervisor, and one of another style.

A hostile guest ends with an error that it was given, or with a crash report; never with success at
what it tried, never with a dead or hung VMM. Each prints what it found out.
"""

import unittest

from harness import GUESTS, VmTest, needs_host_kvm


@needs_host_kvm
class HostileGuests(VmTest):
    def hostile_names(self):
        names = sorted(path.name for path in GUESTS.glob("test_guest_*") if path.is_file())
        self.assertTrue(names, f"no test guests in {GUESTS}")
        return names

    def test_none_hangs_or_kills_the_vmm(self):
        for name in self.hostile_names():
            for vcpus in (1, 2):
                with self.subTest(guest=name, vcpus=vcpus):
                    run = self.pvmmu(
                        "run",
                        GUESTS / name,
                        "--kvm=host",
                        "--stats=json",
                        "--timeout=60",
                        f"--vcpus={vcpus}",
                    )
                    self.assertIn(run.status, (0, 1), str(run))
                    self.assertFalse(run.stats["partial"])
                    self.assertNotIn("audit", run.err, str(run))


if __name__ == "__main__":
    unittest.main()
