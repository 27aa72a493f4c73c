"""`--trace-pte`: the life of one page-table entry on the console."""

import re
import unittest

from harness import VmTest, differences, needs_host_kvm, without_varying

SCRIPT = """
region a 1
region b 2
map a rw
map b rw
write a[0] 1
fork { write a[0] 2 }
wait
protect a r
swap_out a
unmap a
write b[0] 1
"""
EVENT = re.compile(r"^pte trace: vCPU 0, root [0-9a-f]+: (.*)\n  by (.*)$", re.M)


def without_addresses(event):
    """Frames differ from run to run of different engines, and so do the bits of entries."""
    without_changes = re.sub(r"\b[0-9a-f]+ -> [0-9a-f]+", "*", event)
    return re.sub(r"\b[0-9a-f]+ (?=\()", "* ", without_changes)


class PteTrace(VmTest):
    def trace(self, address, *flags):
        script = self.write("life.wl", SCRIPT)
        run = self.pvmmu("run", f"--workload={script}", f"--trace-pte={address}", "--stats=json", *flags)
        self.assertEqual(0, run.status, str(run))
        return run

    def test_the_life_of_an_entry(self):
        run = self.trace("0x10000000", "--engine=sim")
        events = [without_addresses(event) for event, _ in EVENT.findall(run.out)]
        self.assertEqual("establish, * (none -> valid)", events[0])
        at = -1
        for later in (
            "update, *; now queued",
            "queue issued, one hypercall with 1 call",
            "write protect, * (valid -> valid), in lazy mode; now flush owed, hash entry in the batch",
            "update that keeps A and D, *, in lazy mode; now queued, flush owed, hash entry in the batch",
            "flush",
            "replace page, * (valid -> valid)",
            "table goes or moves",
            "hide, * (valid -> hidden), in lazy mode; now flush owed, hash entry in the batch",
            "establish, * (hidden -> swapped), in lazy mode",
            "zap, * (swapped -> none), in lazy mode",
        ):
            self.assertIn(later, events[at + 1 :])
            at = events.index(later, at + 1)
        callers = [callers for event, callers in EVENT.findall(run.out) if event.startswith("hide")]
        self.assertRegex(callers[0], "^pte_hide < .*swap_out")
        self.assertEqual("", run.err)

    def test_another_entry_has_a_life_of_its_own(self):
        run = self.trace("0x10400fff", "--engine=sim")
        events = [event for event, _ in EVENT.findall(run.out)]
        self.assertTrue(events[0].startswith("establish, 0 -> "), events)
        self.assertFalse([event for event in events if event.startswith(("hide", "replace"))])

    def test_no_count_changes_but_the_consoles(self):
        traced = without_varying(self.trace("0x10000000", "--engine=sim").stats)
        plain = without_varying(self.trace("0x7000000", "--engine=sim").stats)
        found = differences(plain, traced)
        self.assertTrue(found)
        self.assertEqual([], differences(plain["mmu"], traced["mmu"]))
        self.assertEqual([], differences(plain["multicall"], traced["multicall"]))
        self.assertEqual([], differences(plain["tlb"], traced["tlb"]))

    def test_nothing_is_told_too(self):
        run = self.trace("0x7000000", "--engine=sim")
        self.assertEqual([], EVENT.findall(run.out))
        self.assertIn("--trace-pte: no event was about an entry of 0x7000000\n", run.err)

    def test_a_batch_of_hash_entries_that_is_full_is_told(self):
        run = self.pvmmu("run", "--engine=sim", "--workload=populate-512", "--trace-pte=0x10000000", "--stats=none")
        events = [without_addresses(event) for event, _ in EVENT.findall(run.out)]
        zap = events.index("zap, * (valid -> none), in lazy mode; now flush owed, hash entry in the batch")
        made = events.index("batch of hash entries made; now flush owed")
        self.assertLess(zap, made)
        self.assertLess(made, events.index("flush"))

    @needs_host_kvm
    def test_the_same_life_on_the_host(self):
        one, other = (self.trace("0x10000000", f"--engine={engine}") for engine in ("sim", "kvm"))
        events = [[without_addresses(event) for event, _ in EVENT.findall(run.out)] for run in (one, other)]
        self.assertGreater(len(events[0]), 20)
        self.assertEqual(*events)
        self.assertRegex(EVENT.findall(other.out)[0][1], "^pte_establish < ")

    def test_with_the_rules_checked(self):
        self.assertEqual({}, self.trace("0x10000000", "--engine=sim", "--check-rules").stats["pte_rules"]["breaches"])

    def test_bad_usage(self):
        for flags, reason in (
            (("--trace-pte=here",), '"here" is not the address of a program\'s memory, as 0x10000000'),
            (("--trace-pte=0xffff800000000000",), "is not the address of a program's memory"),
            (("--trace-pte=0x10000000", "other.elf"), "another does not"),
        ):
            self.refused("run", *flags, saying=[reason])


if __name__ == "__main__":
    unittest.main()
