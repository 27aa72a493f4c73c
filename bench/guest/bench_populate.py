#!/usr/bin/env python3
"""What one page-table entry costs in a batched populate, against what it must cost at least.

512 entries of one page table take 17 hypercalls (31 entries a batch). At least they cost 17 bare
round trips from the guest kernel to the VMM and back, and 512 times what the validator takes for an
entry by itself. All three are measured in turn, several times, in this one run; what is compared is
the median of the ratios, so that the load of the machine cancels out.

usage: bench_populate.py [--rounds N] [--limit RATIO] [--json] PVMMU BENCH_VALIDATOR
Status 1 if the ratio is above the limit.
"""

import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import sys

WORKLOAD = pathlib.Path(__file__).parent / "populate-loop.wl"
ENTRIES = 512
HYPERCALLS = 17
# Absent entries set and cleared again in arrays of 31, as a populate's batches have.
VALIDATOR_CASE = "present_and_absent/31"


def output_of(*command):
    run = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout


def measure_populate(pvmmu):
    """Microseconds per entry, guest and VMM together."""
    out = output_of(
        pvmmu, "run", "--kvm=host", f"--workload={WORKLOAD}", "--mode=batched", "--stats=json"
    )
    stats = json.loads(out.splitlines()[-1])
    phase = next(phase for phase in stats["phases"] if phase["label"] == "populate")
    entries = phase["hypercalls"]["mmu_update"]["ops"]
    if phase["page_table_traps"] * ENTRIES != entries * HYPERCALLS:
        sys.exit(f"{phase['page_table_traps']} hypercalls for {entries} entries: not the usual 17")
    return phase["vcpu_seconds"] * 1e6 / entries


def measure_round_trip(pvmmu):
    """Microseconds of a hypercall that does nothing."""
    return json.loads(output_of(pvmmu, "probe", "--json"))["round_trip_microseconds"]


def measure_validator(bench_validator):
    """Microseconds per entry of the MMU alone."""
    report = json.loads(
        output_of(
            bench_validator,
            f"--benchmark_filter=^{VALIDATOR_CASE}$",
            "--benchmark_format=json",
            "--benchmark_min_time=0.2",
        )
    )
    return 1e6 / report["benchmarks"][0]["items_per_second"]


def measure(arguments):
    populate = measure_populate(arguments.pvmmu)
    round_trip = measure_round_trip(arguments.pvmmu)
    validator = measure_validator(arguments.bench_validator)
    least = (HYPERCALLS * round_trip + ENTRIES * validator) / ENTRIES
    return {
        "populate_microseconds": populate,
        "round_trip_microseconds": round_trip,
        "validator_microseconds": validator,
        "least_microseconds": least,
        "ratio": populate / least,
    }


def processor_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def report(median):
    trips = HYPERCALLS * median["round_trip_microseconds"] / ENTRIES
    rest = median["populate_microseconds"] - median["least_microseconds"]
    print(f"machine                        {processor_name()}")
    print(f"one entry of a populate        {median['populate_microseconds']:8.3f} us")
    print(f"  its share of 17 round trips  {trips:8.3f} us")
    print(f"  the validator alone          {median['validator_microseconds']:8.3f} us")
    print(f"  the rest                     {rest:8.3f} us")
    print(
        "  (the rest: the guest's mm and queue, copying the arguments, touching the changed\n"
        "  entries for a shadow-paging KVM, and counting)"
    )
    print(f"ratio to what it must cost     {median['ratio']:8.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=2.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("pvmmu")
    parser.add_argument("bench_validator")
    arguments = parser.parse_args()
    rounds = [measure(arguments) for _ in range(arguments.rounds)]
    median = {key: statistics.median(entry[key] for entry in rounds) for key in rounds[0]}
    if arguments.json:
        print(json.dumps({"machine": processor_name(), "rounds": rounds, "median": median}))
    else:
        report(median)
    return 0 if median["ratio"] <= arguments.limit else 1


if __name__ == "__main__":
    sys.exit(main())
