"""What the changes that no test can notice are, and what becomes of all the others."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from trials import Trial

LIST = Path(__file__).with_name("equivalents.txt")


def reasons() -> dict[str, str]:
    """Why no test can notice a change, by its name."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in LIST.read_text().splitlines():
        if line.startswith("    "):
            found |= dict.fromkeys(names, line.strip())
        elif " -> " in line:
            names = [*([] if names and names[-1] in found else names), line]
    return found


def report(done: Iterable[Trial], wanted: float = 0.0, complete: Iterable[str] = ()) -> None:
    """Print what survived as it is found, and at the end the score.

    SystemExit if less than that part of those not in the list was noticed, or, without it, if any
    of them survived. Of files that are complete, whatever the list says must have been tried.
    """
    known = reasons()
    counts: Counter[str] = Counter()
    unseen = dict(known)
    for trial in done:
        name, outcome = trial.variant.name, trial.outcome
        kind = outcome if outcome in ("survived", "timeout", "crash", "impossible") else "noticed"
        if kind == "survived" and name in known:
            kind = "equivalent"
        elif kind == "survived":
            print(f"{name}\n    survived", flush=True)
        elif name in known and kind != "impossible":
            print(f"{name}\n    stands in {LIST.name}, but was noticed: {outcome}", flush=True)
        counts[kind] += 1
        unseen.pop(name, None)
        if counts.total() % 100 == 0:
            print(f"{counts.total()} tried", flush=True)
    for name in unseen:
        if name.partition(":")[0] in complete:
            print(f"{name}\n    stands in {LIST.name}, but is no longer there")
    score(counts, wanted)


def score(counts: Counter[str], wanted: float) -> None:
    print(", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
    tried = counts.total() - counts["impossible"] - counts["equivalent"]
    noticed = tried - counts["survived"]
    if not tried:
        sys.exit("nothing was changed")
    print(
        f"{noticed} of {tried} that can be noticed were: {noticed / tried:.1%}; "
        f"{counts['equivalent']} others stand in {LIST.name}"
    )
    if noticed < wanted * tried:
        sys.exit(f"less than {wanted:.0%}")
    if counts["survived"] and not wanted:
        sys.exit(1)
