"""How the time of a training step grows: with the width, depth, context and batch of the GPT.

    python benchmarks/growth.py --torch

Everything begins with the default GPT, on documents that fill its context, and then one size grows
while the others stay. Those that are compared take turns, as in microgpt.py. All have one core.
"""

import argparse
import json
import statistics

from microgpt import OURS, TORCH, engines, need_torch, times

STEPS = 50  # in a turn at most
DEFAULT = {"n_embd": 16, "n_layer": 1, "context": 16, "batch_size": 1}
GROWING = {
    "n_embd": (16, 32, 64, 128, 256),
    "n_layer": (1, 2, 4, 8),
    "context": (16, 64, 256, 512),
    "batch_size": (1, 4, 16, 64),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how many turns each has")
    parser.add_argument("--torch", action="store_true", help="with PyTorch, on one thread")
    parser.add_argument("--quick", action="store_true", help="small models, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print what was measured as JSON")
    options = parser.parse_args()
    if options.torch:
        need_torch()
    measured = measure(options)
    if options.json:
        print(json.dumps(measured))
        return
    for size, points in measured["sizes"].items():
        print(f"\nms per step, with {size}")
        for value, seconds in points.items():
            shown = (f"{who}: {statistics.median(x) * 1e3:.3f}" for who, x in seconds.items())
            print(f"{value:6}  {'   '.join(shown)}")


def measure(options):
    """The seconds per step of each, round by round, for each value of each size."""
    contestants = {
        f"{OURS}, {engine}": {"module": "with_scalargrad", "engine": engine} for engine in engines()
    }
    if options.torch:
        contestants[TORCH] = {"module": "with_torch"}
    rounds = 1 if options.quick else options.rounds
    default = times(contestants, settings(), rounds, STEPS)
    sizes = {
        size: {
            value: default
            if value == DEFAULT[size]
            else times(contestants, settings(**{size: value}), rounds, STEPS)
            for value in (values[:2] if options.quick else values)
        }
        for size, values in GROWING.items()
    }
    return {"rounds": rounds, "default": DEFAULT, "sizes": sizes}


def settings(**grown):
    """Documents have one letter less than the context has tokens; their end is one more."""
    sizes = DEFAULT | grown
    return sizes | {"letters": sizes["context"] - 1}


if __name__ == "__main__":
    main()
