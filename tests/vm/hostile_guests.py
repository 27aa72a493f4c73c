"""Guests that try to get round the hypervisor, and guests that nobody here is related to.

A hostile guest ends with errors that it was given, or with a crash report; never with success at
what it tried, never with a dead or hung VMM. guest/test_guests says what each attack does.
"""

import unittest

from harness import VmTest, needs_host_kvm

# How the attacks end the guest that the VMM must stop. The others are survived: the guest powers
# off after everything was refused.
FATAL = {
    "bad-stack": "bad guest stack",
    "bad-stack-noncanonical": "bad guest stack",
    "bad-stack-hypervisor": "bad guest stack",
    "bad-stack-machphys": "bad guest stack",
    "bad-stack-table": "bad guest stack",
    "iret-bad-stack": "bad guest stack",
    "crash": "page fault without a handler",
    "block": "every vCPU waits",
    "down": "no vCPU is up",
}
ENDLESS = ("loop",)
ON_TWO_VCPUS = ("down-beside-a-poll",)
# Either is right: the selectors are corrected, or the guest ends.
EITHER = ("iret-ring0",)


@needs_host_kvm
class HostileGuests(VmTest):
    def attack(self, name, *flags):
        run = self.pvmmu(
            "run",
            self.guest_image("test_guest_hostile"),
            "--kvm=host",
            "--stats=json",
            f"--cmdline=attack={name}",
            "--timeout=120",
            *flags,
        )
        self.assertNotIn("SUCCESS", run.out, str(run))
        self.assertNotIn("ERROR", run.out, str(run))
        self.assertNotIn("audit", run.err, str(run))
        return run

    def attack_names(self):
        run = self.pvmmu(
            "run",
            self.guest_image("test_guest_hostile"),
            "--kvm=host",
            "--stats=none",
            "--cmdline=attack=list",
        )
        self.assertEqual(0, run.status, str(run))
        return [line for line in run.out.split("\n") if line and " " not in line]

    def test_a_vcpu_that_waits_with_a_deadline_is_not_lost(self):
        """The other one goes down meanwhile: then it is all that is left, and goes on."""
        run = self.attack("down-beside-a-poll", "--vcpus=2")
        self.assertEqual(0, run.status, str(run))
        self.assertIn("the poll is over", run.out)

    def test_survived_attacks_are_refused_one_by_one(self):
        names = [
            name
            for name in self.attack_names()
            if name not in (*FATAL, *ENDLESS, *EITHER, *ON_TWO_VCPUS)
        ]
        self.assertGreaterEqual(len(names), 15, names)
        for name in names:
            with self.subTest(attack=name):
                run = self.attack(name)
                self.assertEqual(0, run.status, str(run))
                self.assertIn(f"attack {name}: ", run.out)

    def test_survived_attacks_are_refused_in_a_row(self):
        run = self.attack("all")
        self.assertEqual(0, run.status, str(run))
        self.assertIn("all refused", run.out)
        self.assertGreater(sum(run.stats["mmu"]["refusals"].values()), 0)

    def test_fatal_attacks_end_with_a_report(self):
        names = self.attack_names()
        for name, reason in FATAL.items():
            with self.subTest(attack=name):
                self.assertIn(name, names)
                run = self.attack(name)
                self.assertEqual(1, run.status, str(run))
                self.assertIn(f"*** the guest crashed: {reason}", run.err)
                self.assertFalse(run.stats["partial"])

    def test_attacks_that_may_end_either_way(self):
        for name in EITHER:
            with self.subTest(attack=name):
                run = self.attack(name)
                self.assertIn(run.status, (0, 1), str(run))
                if run.status == 1:
                    self.assertIn("*** the guest crashed", run.err)

    def test_endless_guest_is_stopped(self):
        for name in ENDLESS:
            run = self.attack(name, "--timeout=1")
            self.assertEqual(124, run.status, str(run))
            self.assertTrue(run.stats["partial"])

    def test_crash_report(self):
        run = self.attack("crash")
        for text in (
            "fault at 0x10: read, not present",
            "rip ffffffff8",
            "backtrace",
            "crash()+0x",
            "guest_main+0x",
            "last hypercalls",
            "console_io",
        ):
            self.assertIn(text, run.err, str(run))
        self.assertEqual(1, run.stats["exit_code"])


@needs_host_kvm
class OtherGuests(VmTest):
    def run_guest(self, name, *flags):
        run = self.pvmmu("run", self.guest_image(name), "--kvm=host", "--stats=json", *flags)
        self.assertEqual(0, run.status, str(run))
        self.assertEqual("", run.stats["workload"])
        return run

    def test_hello(self):
        run = self.run_guest("test_guest_hello", "--cmdline=some text", "--memory=16")
        self.assertIn("hello from a test guest", run.out)
        self.assertIn("some text", run.out)

    def test_guest_of_another_style(self):
        """No VIRT_BASE note, low pages in use, raw `syscall`, set_callbacks, the console ring."""
        run = self.run_guest("test_guest_other_style")
        self.assertIn("written through the console ring", run.out)
        self.assertNotIn("FAILED", run.out)

    def test_what_is_emulated(self):
        run = self.run_guest("test_guest_emulation")
        self.assertIn("all ok", run.out)
        self.assertGreater(run.stats["mmu"]["emulated_writes"], 0)
        self.assertGreater(run.stats["traps"]["emulated_instruction"], 0)


if __name__ == "__main__":
    unittest.main()
