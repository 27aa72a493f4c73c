"""--trace: the file keeps its schema (docs/trace.md), and says what the statistics say."""

import collections
import json
import signal
import subprocess
import unittest

from harness import PVMMU, WORKLOADS, VmTest, differences, needs_host_kvm, without_varying

INSTANTS = {
    "promotion": "type",
    "failed promotion": "type",
    "demotion": "type",
    "pin": "type",
    "unpin": "type",
    "flush all": "tlb",
    "flush page": "tlb",
    "flush avoided": "tlb",
    "emulated write": "mmu",
    "refusal": "mmu",
    "upcall": "event",
    "interrupted": "exit",
    "command": "accelerator",
    "command ended": "accelerator",
    "command forgotten": "accelerator",
    "fault": "accelerator",
    "entry": "accelerator",
    "invalidation": "accelerator",
    "let go": "accelerator",
}
# Category of a slice -> those that it may lie in directly; None is the track itself.
PARENTS = {
    "trap": {None},
    "hypercall": {None},
    "multicall_entry": {"hypercall"},
    "wait": {None},
    "phase": {None},
    "operation": {"phase"},
    "access": {None},
}


class Trace:
    """A parsed trace whose schema was checked on the way."""

    def __init__(self, test, path):
        self.test = test
        document = json.loads(path.read_text())
        test.assertEqual({"displayTimeUnit", "otherData", "traceEvents"}, set(document))
        self.facts = document["otherData"]
        test.assertEqual("pvmmu-trace-1", self.facts["schema"])
        self.instants = collections.Counter()  # of the guest's requests, by name
        self.slices = collections.Counter()  # by (category, name)
        self.ops = collections.Counter()  # by name of the hypercall
        self.refusals = collections.Counter()  # by errno
        self.cache_hits = 0
        self.errors = 0  # of commands of the accelerator
        self.slice_arguments = []  # (name, arguments of begin, of end)
        self.open = collections.defaultdict(list)
        self.last = {}
        self.tracks = {}
        for event in document["traceEvents"]:
            self.take(event)
        test.assertEqual({}, {tid: names for tid, names in self.open.items() if names})
        self.end = document["traceEvents"][-1]
        test.assertEqual(("end of run", "g"), (self.end["name"], self.end["s"]))

    def take(self, event):
        tid = event["tid"]
        self.test.assertEqual(1, event["pid"], event)
        self.test.assertGreaterEqual(event["ts"], self.last.get(tid, 0), event)
        self.last[tid] = event["ts"]
        {"M": self.metadata, "B": self.begin, "E": self.finish, "i": self.instant}[event["ph"]](event)

    def metadata(self, event):
        if event["name"] == "thread_name":
            self.tracks[event["tid"]] = event["args"]["name"]

    def begin(self, event):
        names = self.open[event["tid"]]
        parent = names[-1]["cat"] if names else None
        self.test.assertIn(parent, PARENTS[event["cat"]], event)
        self.test.assertIn(event["tid"], self.tracks)
        names.append(event)
        self.cache_hits += event.get("args", {}).get("cache_hits", 0)
        self.slices[event["cat"], event["name"]] += 1

    def finish(self, event):
        begun = self.open[event["tid"]].pop()
        if begun["cat"] in ("hypercall", "multicall_entry") and "args" in event:
            self.ops[begun["name"]] += event["args"]["ops"]
            self.slice_arguments.append((begun["name"], begun["args"], event["args"]))

    def instant(self, event):
        if event["s"] == "g":
            return
        self.test.assertEqual(INSTANTS[event["name"]], event["cat"], event)
        if event.get("args", {}).get("by") == "vmm":
            return
        self.instants[event["name"]] += 1
        self.cache_hits += event.get("args", {}).get("cache_hits", 0)
        self.errors += event["name"] == "command ended" and event["args"]["error"] != 0
        if event["name"] == "refusal":
            self.refusals[event["args"]["errno"]] += 1

    def of_category(self, category):
        return {name: count for (found, name), count in self.slices.items() if found == category}

    def counted(self):
        """The counts as the statistics would have them."""
        hypercalls = self.of_category("hypercall")
        traps = self.of_category("trap")
        traps["hypercall"] = sum(hypercalls.values())
        return {
            "traps": traps,
            "hypercalls": hypercalls,
            "entries": sum(self.of_category("multicall_entry").values()),
            "pins": self.instants["pin"],
            "unpins": self.instants["unpin"],
            "promotions": self.instants["promotion"],
            "failed_promotions": self.instants["failed promotion"],
            "demotions": self.instants["demotion"],
            "emulated_writes": self.instants["emulated write"],
            "refusals": dict(self.refusals),
            "flush_all": self.instants["flush all"],
            "flush_single": self.instants["flush page"],
            "flushes_avoided": self.instants["flush avoided"],
            "upcalls": self.instants["upcall"],
        }

    def counted_of_accelerator(self):
        """The same for its object."""
        return {
            "commands": self.instants["command"],
            "ended": self.instants["command ended"],
            "errors": self.errors,
            "forgotten": self.instants["command forgotten"],
            "faults": self.instants["fault"],
            "chunks": sum(self.of_category("access").values()),
            "established": self.instants["entry"],
            "invalidations": self.instants["invalidation"],
            "taken_out": self.instants["let go"],
            "cache_hits": self.cache_hits,
        }


def counted_by(stats):
    mmu, tlb = stats["mmu"], stats["tlb"]
    return {
        "traps": {cause: count for cause, count in stats["traps"].items() if count},
        "hypercalls": {
            name: of["calls"] for name, of in stats["hypercalls"].items() if of["calls"]
        },
        "entries": stats["multicall"]["entries"],
        **{
            name: mmu[name]
            for name in (
                "pins",
                "unpins",
                "promotions",
                "failed_promotions",
                "demotions",
                "emulated_writes",
                "refusals",
            )
        },
        **{name: tlb[name] for name in ("flush_all", "flush_single", "flushes_avoided")},
        "upcalls": stats["upcalls"],
    }


class Tracing(VmTest):
    def traced(self, workload, *flags, status=0):
        """The run, its statistics and its trace, held to each other."""
        path = self.directory / "trace.json"
        run = self.pvmmu(
            "run", f"--workload={workload}", "--stats=json", f"--trace={path}", *flags
        )
        self.assertEqual(status, run.status, str(run))
        return run.stats, self.held_to(run.stats, path)

    def held_to(self, stats, path):
        trace = Trace(self, path)
        self.assertEqual([], differences(counted_by(stats), trace.counted()))
        if "accelerator" in stats:
            self.assertEqual(stats["accelerator"], trace.counted_of_accelerator())
        self.assertEqual("accelerator" in stats, "accelerator" in trace.tracks.values())
        if not stats["partial"]:
            for name in ("mmu_update", "mmuext_op", "update_va_mapping"):
                self.assertEqual(stats["hypercalls"][name]["ops"], trace.ops[name], name)
        for fact in ("guest", "workload", "mode", "engine", "kvm", "vcpus", "seed", "batch"):
            self.assertEqual(stats[fact], trace.facts[fact])
        end = trace.end["args"]
        self.assertEqual((stats["exit_code"], stats["partial"]), (end["exit_code"], end["partial"]))
        return trace

    def test_every_workload_in_two_modes_agrees_with_its_counters(self):
        for workload in self.workload_names():
            for mode in ("batched", "emulate"):
                with self.subTest(workload=workload, mode=mode):
                    stats, trace = self.traced(workload, "--engine=sim", f"--mode={mode}")
                    self.assertGreater(trace.instants["promotion"], 0)
                    labels = {phase["label"] for phase in stats["phases"]}
                    self.assertLessEqual(set(trace.of_category("phase")), labels)

    def test_other_modes_and_settings(self):
        for flags in (
            ("--mode=single",),
            ("--mode=lazy", "--split-ptl=off"),
            ("--batch=1",),
            ("--preempt-at=every",),
            ("--tick=1000",),
            ("--sim-tlb=random:1",),
            ("--vcpus=4",),
        ):
            with self.subTest(flags=flags):
                self.traced("everything", "--engine=sim", *flags)

    def test_the_accelerator_has_a_track(self):
        for workload in ("device-copy", "device-race", "device-recall"):
            for flags in (("--vcpus=1",), ("--vcpus=3",), ("--notifier-protocol=recall",)):
                with self.subTest(workload=workload, flags=flags):
                    stats, trace = self.traced(workload, "--engine=sim", *flags)
                    self.assertEqual("accelerator", trace.tracks[2 * stats["vcpus"] + 1])
                    for name, count in stats["accelerator"].items():
                        self.assertTrue(count > 0 or name in ("errors", "forgotten"), name)

    @needs_host_kvm
    def test_the_accelerators_thread_writes_into_the_same_file(self):
        for vcpus in (1, 4):
            self.traced("device-race", "--kvm=host", f"--vcpus={vcpus}")

    @needs_host_kvm
    def test_it_agrees_on_kvm(self):
        for workload in ("everything", "fork-exit", "mprotect-storm"):
            for flags in (("--mode=batched",), ("--mode=emulate",), ("--vcpus=2",)):
                with self.subTest(workload=workload, flags=flags):
                    self.traced(workload, "--kvm=host", *flags)

    @needs_host_kvm
    def test_kvm_and_sim_trace_the_same_hypercalls(self):
        _, kvm = self.traced("fork-exit", "--kvm=host")
        _, sim = self.traced("fork-exit", "--engine=sim")

        def of(trace):
            return [
                (name, begin.get("count"), end["result"], end["ops"])
                for name, begin, end in trace.slice_arguments
            ]

        self.assertEqual(of(kvm), of(sim))

    def test_one_seed_is_one_trace(self):
        for vcpus in (1, 4):
            traces = []
            for name, seed in (("one", 1), ("again", 1), ("other", 2)):
                path = self.directory / f"{name}.json"
                self.pvmmu(
                    "run", "--workload=everything", "--engine=sim", f"--vcpus={vcpus}",
                    f"--seed={seed}", f"--trace={path}",
                )
                traces.append(path.read_bytes())
            self.assertTrue(traces[0] == traces[1], "two runs of one seed have different traces")
            self.assertFalse(traces[0] == traces[2])

    def test_tracing_changes_no_count(self):
        flags = ("run", "--workload=everything", "--engine=sim", "--stats=json")
        plain = self.pvmmu(*flags).stats
        traced = self.pvmmu(*flags, f"--trace={self.directory / 'trace.json'}").stats
        self.assertEqual([], differences(without_varying(plain), without_varying(traced)))

    def test_what_is_in_a_trace(self):
        stats, trace = self.traced("fork-exit", "--engine=sim", "--vcpus=2")
        self.assertEqual(
            {
                1: "vCPU 0",
                2: "vCPU 0: phase, operation",
                3: "vCPU 1",
                4: "vCPU 1: phase, operation",
            },
            trace.tracks,
        )
        self.assertIn("fork", trace.of_category("operation"))
        self.assertIn("page_fault", trace.of_category("trap"))
        self.assertIn("blocked", trace.of_category("wait"))
        entries = self.multicall_entries(trace)
        self.assertEqual(stats["multicall"]["entries"], entries)

    def multicall_entries(self, trace):
        return sum(
            begin["count"] for name, begin, _ in trace.slice_arguments if name == "multicall"
        )

    @needs_host_kvm
    def test_refusals_of_a_hostile_guest(self):
        path = self.directory / "trace.json"
        guest = self.guest_image("test_guest_random_hostile")
        run = self.pvmmu("run", guest, "--kvm=host", "--stats=json", f"--trace={path}")
        trace = self.held_to(run.stats, path)
        self.assertGreater(trace.instants["refusal"], 10)

    def test_a_crash_leaves_a_whole_trace(self):
        path = self.directory / "trace.json"
        run = self.pvmmu(
            "run", "--engine=sim", "--cmdline=nonsense", "--stats=json", f"--trace={path}"
        )
        self.assertEqual(1, run.status, str(run))
        self.held_to(run.stats, path)

    def test_a_time_out_and_an_interrupt_leave_a_whole_trace(self):
        endless = WORKLOADS / "endless.wl"
        for vcpus in (1, 3):
            self.traced(endless, "--engine=sim", "--timeout=0.5", f"--vcpus={vcpus}", status=124)
        path = self.directory / "trace.json"
        arguments = (
            "run", f"--workload={endless}", "--engine=sim", "--stats=json", f"--trace={path}",
        )
        process = self.start(*arguments)
        self.wait_for_output(process, "endless\n")
        process.send_signal(signal.SIGINT)
        run = self.finish(process, arguments)
        self.assertEqual(130, run.status, str(run))
        self.held_to(run.stats, path)

    @needs_host_kvm
    def test_a_time_out_on_kvm_leaves_a_whole_trace(self):
        endless = WORKLOADS / "endless.wl"
        self.traced(endless, "--kvm=host", "--timeout=1", "--vcpus=2", status=124)

    def test_places_that_cannot_be_written(self):
        run = self.pvmmu("run", "--engine=sim", "--trace=/nowhere/trace.json")
        self.assertEqual(2, run.status, str(run))
        self.assertIn("/nowhere/trace.json", run.err)
        run = self.pvmmu("run", "--engine=sim", "--trace=one", "--stats-file=one")
        self.assertEqual(2, run.status, str(run))
        self.assertIn("the same file", run.err)
        # One that fails while the guest runs ends the run.
        full = subprocess.run(
            [PVMMU, "run", f"--workload={WORKLOADS / 'endless.wl'}", "--engine=sim",
             "--tick=1000", "--trace=/dev/full"],
            capture_output=True, text=True, check=False, timeout=120,
        )
        self.assertEqual(2, full.returncode, full.stderr)
        self.assertIn("cannot write /dev/full", full.stderr)


if __name__ == "__main__":
    unittest.main()
