"""`pvmmu explore`: races are found, shown and replayed, and code without them passes."""

import json
import os
import pathlib
import subprocess
import time
import unittest

from harness import LONG, Run, VmTest
from tracing import Trace

PLANTED = os.environ.get("PVMMU_PLANTED", "")
SUBJECTS = pathlib.Path(__file__).resolve().parent.parent / "explore"
# Those that the accelerator works in have two ways of keeping faults and changes apart.
WAYS = [(path.stem, ()) for path in sorted(SUBJECTS.glob("*.wl"))] + [
    ("race-device", ("--notifier-protocol=recall",))
]


def subject(name):
    return str(SUBJECTS / f"{name}.wl")


class Explore(VmTest):
    def explore(self, *arguments, status=0):
        run = self.pvmmu("explore", "--json", *arguments, hang_seconds=3000)
        self.assertEqual(status, run.status, str(run))
        return run.stats

    def planted(self, race, *arguments, status):
        done = subprocess.run(
            [PLANTED, race, "explore", *arguments],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=3000,
        )
        run = Run([race, *arguments], done.returncode, done.stdout, done.stderr)
        self.assertEqual(status, run.status, str(run))
        return run

    def test_nothing_fails_with_one_switch(self):
        self.assertGreaterEqual(len(WAYS), 6)
        for name, flags in WAYS:
            stats = self.explore(subject(name), "--bound=1", "--walks=off", "--time=600", *flags)
            self.assertEqual("pvmmu-explore-1", stats["schema"])
            self.assertIsNone(stats["failure"], name)
            self.assertEqual([0, 1], [one["switches"] for one in stats["rounds"]])
            for one in stats["rounds"]:
                self.assertEqual(one["schedules"], one["tried"], name)
            self.assertGreater(stats["rounds"][1]["tried"], 300, name)

    def test_nothing_fails_in_other_machines(self):
        count = "--count=20000" if LONG else "--count=200"
        for mode in ("emulate", "single", "lazy", "best"):
            self.explore(subject("race-pin"), count, "--bound=0", f"--mode={mode}")
        for flags in (
            ("--vcpus=3",),
            ("--split-ptl=off",),
            ("--sim-tlb=random:1",),
            ("--check-rules",),
            ("--batch=1",),
            ("--audit=call",),
        ):
            for name in ("race-pin", "race-device"):
                self.explore(subject(name), count, "--bound=0", *flags)

    @unittest.skipUnless(LONG, "only in the long tests")
    def test_nothing_fails_in_ten_minutes(self):
        for name, flags in WAYS:
            self.explore(subject(name), "--time=600", "--jobs=2", *flags)

    @unittest.skipUnless(PLANTED, "needs the program with planted races")
    def test_planted_races_are_found_and_replayed(self):
        listing = subprocess.run([PLANTED, "--races"], capture_output=True, text=True, check=True)
        races = [line.split("\t")[:2] for line in listing.stdout.splitlines()]
        self.assertGreaterEqual(len(races), 6)
        for race, way in races if LONG else [one for one in races if one[0] in QUICK]:
            name, *flags = way.split()
            run = self.planted(race, subject(name), *flags, "--json", "--time=600", status=1)
            failure = run.stats["failure"]
            self.assertEqual(f"explore-{name}.json", failure["file"])
            self.assertIn("vCPU 1 goes on" if race != "put_early" else "goes on", failure["timeline"])
            # The same run again, and the same text, each time.
            replay = ("--schedule=" + failure["file"], "--json")
            again = [self.planted(race, *replay, status=1).stats for _ in range(2)]
            self.assertEqual(again[0], again[1])
            self.assertTrue(again[0]["followed"])
            self.assertEqual(failure["timeline"], again[0]["timeline"])
            self.assertEqual(failure["switches"], again[0]["switches"])
            self.assertEqual(failure["what"], again[0]["what"])
            # Of dozens that a walk makes few are left.
            self.assertLessEqual(len(failure["switches"]), 4, failure["switches"])
            self.assertLessEqual(len(failure["switches"]), len(failure["found_switches"]))
            self.assertTrue(failure["minimal"])
            # What is right takes another way out of the same moments.
            clean = self.planted("none", *replay, status=0).stats
            self.assertEqual("fine", clean["verdict"])
            if race == "fault_unchecked":
                self.assertIn("has established it for the device", failure["timeline"])
                self.assertNotIn("must look again", failure["timeline"])
                self.assertIn("must look again", clean["timeline"])

    @unittest.skipUnless(PLANTED, "needs the program with planted races")
    def test_a_failure_is_left_as_found_if_that_is_wanted(self):
        flags = (subject("race-reuse"), "--json", "--time=600", "--shrink=off")
        failure = self.planted("flush_early", *flags, status=1).stats["failure"]
        self.assertEqual(failure["found_switches"], failure["switches"])
        self.assertFalse(failure["minimal"])
        replay = ("--schedule=" + failure["file"], "--json")
        again = self.planted("flush_early", *replay, status=1).stats
        self.assertEqual(failure["what"], again["what"])

    @unittest.skipUnless(PLANTED and LONG, "needs the program with planted races, and time")
    def test_the_shortest_is_found(self):
        for race, way, count in (
            ("flush_early", (subject("race-reuse"),), 2),
            ("put_early", (subject("race-device"), "--notifier-protocol=recall"), 3),
        ):
            run = self.planted(
                race, *way, "--json", "--shortest", "--time=1200", "--jobs=2", status=1
            )
            failure = run.stats["failure"]
            self.assertEqual(count, len(failure["switches"]), race)
            self.assertTrue(failure["shortest"], race)
            self.assertGreaterEqual(run.stats["all_below"], count)

    def test_known_states_end_runs_and_hide_nothing(self):
        flags = ("--bound=1", "--walks=off", "--time=600")
        off = self.explore(subject("race-reuse"), "--states=off", *flags)
        on = self.explore(subject("race-reuse"), *flags)
        self.assertEqual(off["rounds"], on["rounds"])
        self.assertEqual(0, off["known_states"])
        self.assertGreater(on["known_states"], on["tried"] // 2)
        self.assertLess(on["points"], off["points"])

    @unittest.skipUnless(PLANTED, "needs the program with planted races")
    def test_known_states_hide_no_race(self):
        """With and without them the same schedule is the first that fails; of two switches, where the
        order differs, one that fails in the same way."""
        for race, name, *flags in (
            ("pin_unlocked", "race-pin", "--bound=1"),
            ("fault_unchecked", "race-device", "--bound=1"),
            ("faults_unmarked", "race-device", "--bound=1", "--notifier-protocol=recall"),
            ("unlock_early", "race-pin", "--bound=2"),
            *((("flush_early", "race-reuse", "--bound=2"),) if LONG else ()),
        ):
            way = (subject(name), *flags, "--json", "--walks=off", "--time=1200")
            on, off = (
                self.planted(race, *way, f"--states={states}", status=1).stats["failure"]
                for states in ("on", "off")
            )
            if "--bound=1" in flags:
                self.assertEqual(off["switches"], on["switches"], race)
                self.assertEqual(off["schedule"], on["schedule"], race)
            self.assertEqual(len(off["switches"]), len(on["switches"]), race)
            self.assertEqual(off["verdict"], on["verdict"], race)

    def test_the_same_seed_tries_the_same(self):
        def tried(*flags):
            # Which states are equal depends on where the host puts things, too.
            stats = self.explore(subject("race-reuse"), "--count=600", "--states=off", *flags)
            return {key: stats[key] for key in ("tried", "rounds", "walks", "points", "longest_run")}

        # The rounds of no switch and of one, then walks and rounds by turns.
        self.assertEqual(tried("--seed=3"), tried("--seed=3"))
        self.assertNotEqual(tried("--seed=3"), tried("--seed=4"))

    def test_a_workload_that_fails_by_itself_needs_no_switch(self):
        bad = self.write("bad.wl", "region d 1\nmap d rw\nwrite d 1\ncheck d 2\n")
        run = self.pvmmu("explore", bad)
        self.assertEqual(1, run.status, str(run))
        self.assertIn("It needs no switch", run.out)
        self.assertIn("got 1, expected 2", run.out)
        saved = json.loads((self.directory / "explore-bad.json").read_text())
        self.assertEqual([], saved["switches"])
        run = self.pvmmu("explore", "--schedule=explore-bad.json", "--whole")
        self.assertEqual(1, run.status, str(run))
        self.assertIn("has ended", run.out)

    def test_a_replayed_run_is_traced(self):
        ways = (("bad", "region d 1\nmap d rw\nwrite d 1\ncheck d 2\n", (), False),
                ("endless", "while 1 { yield }\n", ("--points=500",), True))
        for name, text, flags, partial in ways:
            self.explore(self.write(f"{name}.wl", text), *flags, status=1)
            replay = (f"--schedule=explore-{name}.json", *flags)
            plain = self.explore(*replay, status=1)
            self.assertEqual(plain, self.explore(*replay, f"--trace={name}.trace", status=1))
            trace = Trace(self, self.directory / f"{name}.trace")
            self.assertEqual({"exit_code": 1, "partial": partial}, trace.end["args"])
            self.assertEqual("sim", trace.facts["engine"])
            self.assertGreater(trace.instants["promotion"], 0)
        replay = "--schedule=explore-bad.json"
        self.refused("explore", replay, "--trace=no/such/folder.json", saying=["no/such"])
        self.refused("explore", replay, "--trace=/dev/full", saying=["/dev/full"])

    @unittest.skipUnless(PLANTED, "needs the program with planted races")
    def test_a_race_is_in_its_trace(self):
        flags = (subject("race-device"), "--json", "--save=race.json")
        self.planted("fault_unchecked", *flags, status=1)
        for race, status in (("fault_unchecked", 1), ("none", 0)):
            self.planted(race, "--schedule=race.json", "--trace=race.trace", status=status)
            trace = Trace(self, self.directory / "race.trace")
            self.assertIn("accelerator", trace.tracks.values())
            # With the check there is one answer too, the second; only that run comes to its end.
            self.assertEqual(1, trace.instants["entry"])
            self.assertEqual(1 if status == 0 else 0, trace.instants["let go"])

    def test_a_workload_without_an_end_is_one(self):
        endless = self.write("endless.wl", "while 1 { yield }\n")
        stats = self.explore(endless, "--points=500", "--save=endless.json", status=1)
        self.assertEqual("endless", stats["failure"]["verdict"])

    def test_interrupt_says_what_was_done(self):
        run = self.interrupt_after(2, "explore", subject("race-pin"), "--time=600", "--json")
        self.assertGreater(run.stats["tried"], 10)

    def test_time_ends_it(self):
        start = time.monotonic()
        self.explore(subject("race-pin"), "--time=1")
        self.assertLess(time.monotonic() - start, 60)

    def test_bad_usage(self):
        bad = self.write("bad.json", '{"schema": "pvmmu-schedule-1"}')
        pin = subject("race-pin")
        for flags, part in (
            ((), "which workload?"),
            (("no-such-workload",), "no-such-workload"),
            ((pin, "hello"), "one workload at a time"),
            ((pin, "--vcpus=1"), "one processor has no interleavings"),
            ((pin, "--vcpus=9"), "--vcpus"),
            ((pin, "--mode=fast"), "--mode"),
            ((pin, "--bound=9"), "--bound"),
            ((pin, "--jobs=0"), "--jobs"),
            ((pin, "--count=many"), "is no number"),
            ((pin, "--time=0"), "--time"),
            ((pin, "--engine=kvm"), "--engine"),
            ((pin, "--shrink=maybe"), "--shrink"),
            (("--schedule=missing.json",), "missing.json"),
            ((pin, "--trace=here.json"), "--trace: of the one run of --schedule"),
            ((f"--schedule={bad}",), "the schedule is not whole"),
            ((f"--schedule={pin}",), "no JSON object"),
        ):
            self.refused("explore", *flags, saying=[part])

    def test_a_place_that_cannot_be_written_is_an_error(self):
        bad = self.write("bad.wl", "exit 1\n")
        run = self.pvmmu("explore", bad, "--save=no/such/folder.json")
        self.assertEqual(2, run.status, str(run))
        self.assertIn("no/such", run.err)


# Found in a second.
QUICK = ("pin_unlocked", "flush_early", "fault_unchecked", "faults_unmarked")
