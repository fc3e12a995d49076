"""Measure everything, and write it down: with the machine, the versions, medians and spread.

    python benchmarks/all.py
    python benchmarks/all.py --only graphs --against benchmarks/results/local.json

Runs the programs beside this one, on each engine, and with PyTorch if it is installed; all of it
takes five minutes. `--against` lists what has become slower or faster than in another file from the
same machine: what lies outside of the spread of both.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from microgpt import engines

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NOISE = 1.1  # a median moves by that factor from run to run, whatever the spread within a run
PROGRAMS = {  # what each is given, and with --quick
    "microgpt": ([], ["--rounds", "1", "--steps", "2"]),
    "growth": (["--rounds", "3"], ["--quick"]),
    "graphs": ([], ["--quick"]),
    "ratios": ([], ["--quick"]),
    "parallel": (
        ["--n-embd", "16", "128", "--batch", "128", "512", "--rounds", "5"],
        ["--n-embd", "16", "--batch", "64", "--rounds", "1"],
    ),
}
FOR_EACH_ENGINE = {"graphs"}  # others bring in both, or measure the one that is chosen
WITH_TORCH = {"microgpt", "growth", "graphs"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS / "local.json", help="where to")
    parser.add_argument("--only", nargs="+", choices=PROGRAMS, default=[*PROGRAMS], metavar="NAME")
    parser.add_argument("--against", type=Path, help="compare with these results")
    parser.add_argument("--quick", action="store_true", help="little work, to see that it runs")
    options = parser.parse_args()
    before = json.loads(options.against.read_text()) if options.against else None
    results = {"machine": machine(), "versions": versions(), "measured": {}}
    for name in options.only:
        print(f"{name}.py", flush=True)
        results["measured"][name] = measure(name, options.quick)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"written to {options.output}")
    if before:
        for line in changes(before["measured"], results["measured"]):
            print(line)


def measure(name, quick):
    """What the program finds; on each engine, if it measures only the one that is chosen."""
    arguments = [*PROGRAMS[name][quick], "--json"]
    with_torch = name in WITH_TORCH and importlib.util.find_spec("torch")
    all_arguments = [*arguments, "--torch"] if with_torch else arguments
    if name not in FOR_EACH_ENGINE:
        return summary(output_of(name, all_arguments))
    first, *others = engines()
    found = {first: output_of(name, all_arguments, first)}
    found |= {engine: output_of(name, arguments, engine) for engine in others}
    return summary(found)


def output_of(name, arguments, engine=""):
    command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
    environment = os.environ | {"SCALARGRAD_ENGINE": engine}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def summary(found):
    """Median and spread, instead of the figures of all rounds."""
    if isinstance(found, dict):
        return {name: summary(value) for name, value in found.items()}
    if isinstance(found, list) and all(isinstance(x, (int, float)) for x in found):
        spread = {"median": statistics.median(found), "lowest": min(found), "highest": max(found)}
        return {name: float(f"{value:.4g}") for name, value in spread.items()}
    return [summary(value) for value in found] if isinstance(found, list) else found


def changes(before, now, name=""):
    """A line for each figure that is clearly another one than before."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return
    if "median" in now and "median" in before:
        factor = now["median"] / before["median"] if before["median"] else 1.0
        if now["lowest"] > before["highest"] and factor > NOISE:
            yield f"{factor:6.2f} times as long: {name}"
        if now["highest"] < before["lowest"] and factor < 1 / NOISE:
            yield f"{factor:6.2f} times as long: {name}"
        return
    for key in now:
        yield from changes(before.get(key), now[key], f"{name} / {key}" if name else key)


def machine():
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": " ".join([platform.system(), platform.machine(), *platform.libc_ver()]).strip(),
    }


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def versions():
    found = {"Python": f"{platform.python_implementation()} {platform.python_version()}"}
    found["compiler"] = compiler()
    for package in ("scalargrad", "numpy", "torch"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def compiler():
    """That would build the compiled engine here."""
    command = [*shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")]
    try:
        done = subprocess.run([command[0], "--version"], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.splitlines()[0] if done.stdout else None


if __name__ == "__main__":
    main()
