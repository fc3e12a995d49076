"""What the pictures share: where they go, and one version each for light and for dark pages.

A script beside this one draws on a matplotlib Figure with mid-tone colours that show on both, and
`save` writes NAME-light.svg and NAME-dark.svg, which differ in the colour of text and axes. The
same numbers give the same bytes.
"""

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "examples" / "microgpt"))
from advice import install

try:
    import matplotlib
    from matplotlib.figure import Figure
except ImportError:
    sys.exit(f"this needs matplotlib, which is not installed: {install('matplotlib')}")

FOLDER = Path(__file__).parent
BLUE, ORANGE, GREEN, PURPLE = "#4a86d8", "#e2803a", "#4aa564", "#9a72cf"
INK = {"light": "#444444", "dark": "#c8ccd8"}


def save(name: str, draw: Callable[[Figure], None], size: tuple[float, float]) -> None:
    """Call `draw` on a figure of that many inches, once for each scheme, and write the SVGs."""
    for scheme, ink in INK.items():
        settings = {
            "svg.hashsalt": name,
            "font.size": 11,
            "text.color": ink,
            "axes.labelcolor": ink,
            "axes.edgecolor": ink,
            "xtick.color": ink,
            "ytick.color": ink,
            "axes.facecolor": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
        with matplotlib.rc_context(settings):
            figure = Figure(figsize=size, layout="constrained", facecolor="none")
            draw(figure)
            svg = io.StringIO()
            figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        bare = re.sub(r" *<!--.*?-->\n", "", svg.getvalue())  # each word, once more as a comment
        short = re.sub(r' d="[^"]*"', _to_hundredths, bare)
        (FOLDER / f"{name}-{scheme}.svg").write_text(short, encoding="utf-8")


def _to_hundredths(path: re.Match[str]) -> str:
    return re.sub(r"(\.\d\d)\d+", r"\1", path[0]).replace(" \n", "\n")
