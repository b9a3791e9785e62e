"""The sheet every picture is drawn on: size, colours, headings, and how it becomes a file."""

import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecastr.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart by colour-blind readers, and in grey print.
INK, GREY, BLUE, ORANGE, RED = "#1f2328", "#8c959f", "#0072B2", "#D55E00", "#CC3311"
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8c959f")
_WIDTH, _DOTS_PER_INCH = 12.8, 125
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": "#d0d7de",
    "axes.labelcolor": "#57606a",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#eaeef2",
    "grid.linewidth": 0.8,
    "xtick.color": "#57606a",
    "ytick.color": "#57606a",
    "legend.frameon": False,
    "lines.solid_joinstyle": "round",
}


@contextmanager
def open_figure(path: Path, *, height: float, title: str, subtitle: str) -> "Iterator[Figure]":
    """Yield a figure with its headings in place, and write it to ``path`` when the block ends."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    wrapped = textwrap.wrap(subtitle, 130, max_lines=2, placeholder=" …")
    heading = 0.62 + 0.22 * len(wrapped)
    with rc_context(_STYLE), whole_file(path) as temporary, warnings.catch_warnings():
        # An id in a script the font lacks shows as boxes: no reason to stop, or to warn of every letter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        sheet = ConstrainedLayoutEngine(
            rect=(0.008, 0.008, 0.984, 1 - heading / height - 0.008), hspace=0.05, wspace=0.04
        )
        figure = Figure(figsize=(_WIDTH, height), dpi=_DOTS_PER_INCH, layout=sheet)
        FigureCanvasAgg(figure)
        figure.text(
            0.016,
            1 - 0.2 / height,
            shorten(title, 95),
            va="top",
            fontsize=15,
            weight="bold",
            parse_math=False,
        )
        figure.text(
            0.016,
            1 - 0.55 / height,
            "\n".join(wrapped),
            va="top",
            color="#57606a",
            parse_math=False,
            linespacing=1.3,
        )
        yield figure
        figure.savefig(temporary, metadata={"Software": None}, pil_kwargs={"compress_level": 1})  # the fastest


def set_value_axis(pane: "Axes") -> None:
    """Label values in plain numbers: separated thousands, millions as 2 M, log scales without powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, StrMethodFormatter

    largest = max(abs(limit) for limit in pane.get_ylim())
    if largest >= 1e4:
        pane.yaxis.set_major_formatter(
            FuncFormatter(_in_millions) if largest >= 1e6 else StrMethodFormatter("{x:,.10g}")
        )
    if pane.get_yscale() == "log":
        pane.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        pane.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        pane.yaxis.set_minor_formatter(NullFormatter())


def _in_millions(value: float, _position: int) -> str:
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.6g} {letter}"
    return f"{value:g}"


def shorten(text: str, length: int) -> str:
    """Return ``text`` on one line, cut where it would run off the picture."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
