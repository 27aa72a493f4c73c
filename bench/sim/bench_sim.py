#!/usr/bin/env python3
"""The sim engine and this machine's KVM side by side: microseconds for each entry of a populate.

Both run the same workload in turn, several times; what is printed is the median. Without a usable
/dev/kvm its column is empty.

usage: bench_sim.py [--rounds N] [--json] PVMMU
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

WORKLOAD = pathlib.Path(__file__).parent.parent / "guest" / "populate-loop.wl"
MODES = ("emulate", "single", "lazy", "batched", "best")
ENGINES = {
    "kvm": ("--engine=kvm", "--kvm=host"),
    "sim, no TLB": ("--engine=sim", "--sim-tlb=none"),
    "sim, full TLB": ("--engine=sim", "--sim-tlb=full"),
}


def microseconds(pvmmu, mode, flags):
    """For each entry of the phase, guest and VMM together."""
    run = subprocess.run(
        [pvmmu, "run", f"--workload={WORKLOAD}", f"--mode={mode}", "--stats=json", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if run.returncode == 3:
        return None
    if run.returncode != 0:
        sys.exit(run.stderr)
    phases = json.loads(run.stdout.splitlines()[-1])["phases"]
    populate = next(phase for phase in phases if phase["label"] == "populate")
    return populate["vcpu_seconds"] * 1e6 / populate["kernel"]["pte_updates"]


def measure(pvmmu, rounds):
    """{mode: {engine: microseconds or None}}."""
    found = {mode: {engine: [] for engine in ENGINES} for mode in MODES}
    for _ in range(rounds):
        for mode in MODES:
            for engine, flags in ENGINES.items():
                found[mode][engine].append(microseconds(pvmmu, mode, flags))
    return {
        mode: {
            engine: None if None in values else statistics.median(values)
            for engine, values in engines.items()
        }
        for mode, engines in found.items()
    }


def print_table(table):
    print(f"{'us an entry':12}" + "".join(f"{engine:>16}" for engine in ENGINES) + "   kvm / sim")
    for mode, engines in table.items():
        cells = "".join(
            f"{'-':>16}" if value is None else f"{value:16.3f}" for value in engines.values()
        )
        kvm = engines["kvm"]
        ratio = "" if kvm is None else f"{kvm / engines['sim, full TLB']:12.0f}"
        print(f"{mode:12}{cells}{ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("pvmmu")
    arguments = parser.parse_args()
    table = measure(arguments.pvmmu, arguments.rounds)
    if arguments.json:
        print(json.dumps(table))
    else:
        print_table(table)


if __name__ == "__main__":
    main()
