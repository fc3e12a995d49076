"""What each of the six programs changes in the one before, as a diff.

python docs/pictures/step_differences.py
"""

from difflib import unified_diff
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).parent
STEPS = sorted(HERE.parents[1].glob("examples/steps/step*.py"))


def difference(before, after):
    """Without what is no code: the docstrings at the top, and marks of sections."""
    names = (before.name, after.name)
    return "\n".join(unified_diff(code(before), code(after), *names, n=2, lineterm="")) + "\n"


def code(path):
    _, _, program = path.read_text(encoding="utf-8").split('"""', 2)
    return [line for line in program.strip().splitlines() if "--8<--" not in line]


def differences():
    """The files to write, and what is in them."""
    return {
        HERE / f"step{number}.diff": difference(before, after)
        for number, (before, after) in enumerate(pairwise(STEPS), 2)
    }


if __name__ == "__main__":
    for path, text in differences().items():
        path.write_text(text, encoding="utf-8")
