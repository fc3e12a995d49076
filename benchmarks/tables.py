"""The tables of docs/benchmarks.md, from what all.py has measured.

    python benchmarks/tables.py

reads results/published.json and writes results/published.md, of which the page includes each table.
"""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PUBLISHED, TABLES = RESULTS / "published.json", RESULTS / "published.md"

ROWS = {
    "naive engine": "a notebook engine, one node per operator",
    "its Value swapped, reference": "the same script on scalargrad's Value, plain Python",
    "its Value swapped, compiled": "the same script on scalargrad's Value, compiled",
    "scalargrad, reference": "scalargrad, plain Python",
    "scalargrad, compiled": "scalargrad, compiled",
    "PyTorch, threads: 1": "PyTorch, one thread",
    "PyTorch, threads: 2": "PyTorch, two threads",
}
GROWTH = {
    "n_embd": "width (`n_embd`)",
    "n_layer": "layers (`n_layer`)",
    "context": "context (`block_size`)",
    "batch_size": "documents in a batch",
}
PYTHON, COMPILED, PYTORCH = "scalargrad, reference", "scalargrad, compiled", "PyTorch"


def main():
    results = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    TABLES.write_text(text(results), encoding="utf-8")


def text(results):
    """All tables, each in a section that a page can include."""
    measured = results["measured"]
    tables = {
        "machine": machine(results),
        "training": training(measured["microgpt"]),
        **{size: growth(measured["growth"], size) for size in GROWTH},
        "graphs": graphs(measured["graphs"]),
        "nodes": nodes(measured["graphs"]),
        "ratios": ratios(measured["ratios"]),
        "parallel": parallel(measured["parallel"]),
    }
    sections = (
        f"<!-- --8<-- [start:{name}] -->\n{table}\n<!-- --8<-- [end:{name}] -->\n"
        for name, table in tables.items()
    )
    return "\n".join(sections)


def machine(results):
    machine, versions = results["machine"], results["versions"]
    return table(
        ("measured on", machine["date"]),
        ("processor", f"{machine['processor']}, {machine['cores']} cores"),
        ("system", machine["system"]),
        ("Python", versions["Python"]),
        ("C compiler", versions["compiler"]),
        ("scalargrad", versions["scalargrad"]),
        ("PyTorch", versions["torch"]),
    )


def training(measured):
    rows = measured["n_embd"]["16"]
    naive = rows["naive engine"]["median"]
    return table(
        ("program", "ms per step", "lowest to highest", "times as fast as the first row"),
        *(
            (title, ms(rows[name]), spread(rows[name], 1e3), number(naive / rows[name]["median"]))
            for name, title in ROWS.items()
        ),
    )


def growth(measured, size):
    return table(
        (GROWTH[size], "plain Python, ms", "compiled, ms", "PyTorch, ms", "PyTorch / compiled"),
        *(
            (
                value,
                *(ms(times[who]) for who in (PYTHON, COMPILED, PYTORCH)),
                number(times[PYTORCH]["median"] / times[COMPILED]["median"]),
            )
            for value, times in measured["sizes"][size].items()
        ),
    )


def graphs(measured):
    def parts(times):
        return " + ".join(number(times[part]["median"]) for part in ("forward", "backward", "free"))

    python, compiled = (measured[engine]["ns per node"] for engine in ("reference", "compiled"))
    pytorch = nodes_in_pytorch(measured)
    return table(
        ("nodes", "plain Python", "compiled", "PyTorch"),
        *(
            (
                f"{int(n):,}",
                parts(python[n]),
                parts(compiled[n]),
                parts(pytorch[n]) if n in pytorch else "not measured",
            )
            for n in compiled
        ),
    )


def nodes_in_pytorch(measured):
    return next(found for x in measured.values() if (found := x["ns per node in PyTorch"]))


def nodes(measured):
    python, compiled = measured["reference"], measured["compiled"]
    both = (python, compiled)
    return table(
        ("cost", "plain Python", "compiled"),
        ("bytes per node", *(number(x["bytes per node"]) for x in both)),
        *(
            (
                f"bytes per parameter, rows of {width}",
                *(number(x["bytes per parameter"][width]) for x in both),
            )
            for width in ("16", "64")
        ),
        *(
            (f"ns for `a * b` of two {kind}", *(median(x["ns of a * b"][kind]) for x in both))
            for kind in ("Values", "floats")
        ),
        ("ms to import the package", *(median(x["ms to import"]) for x in both)),
    )


def ratios(measured):
    return table(
        ("what", "measured", "lowest to highest"),
        *((f"{name}, `backward` = 1", *both(x)) for name, x in measured["times backward"].items()),
        (
            "the engine in plain Python, the forty lines of `my_value.py` = 1",
            *both(measured["times my_value.py"]),
        ),
        *(
            (f"microseconds a token at width 64, context {length}", *both(x))
            for length, x in measured["microseconds a token"].items()
        ),
        ("CPU seconds of `train.py`, all in all", *both(measured["CPU seconds of train.py"])),
    )


def parallel(measured):
    return table(
        ("width", "batch", "one process, ms", f"{measured['workers']} processes, ms", "speedup"),
        *(
            (
                row["n_embd"],
                row["batch"],
                ms(row["seconds, one process"]),
                ms(row["seconds, several"]),
                median(row["speedup"]),
            )
            for row in measured["rows"]
        ),
    )


def table(*rows):
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def both(found):
    return median(found), spread(found)


def median(found):
    return number(found["median"])


def ms(found):
    return number(found["median"] * 1e3)


def spread(found, factor=1.0):
    return f"{number(found['lowest'] * factor)} to {number(found['highest'] * factor)}"


def number(x):
    """With three digits that count."""
    rounded = float(f"{x:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


if __name__ == "__main__":
    main()
