"""A series as a small picture of characters: braille dots in a terminal that knows them, plain ASCII elsewhere."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from forecastr.report.wording import format_column, printable

HEIGHT = 6  # lines of the curve
CROWDED, FILLED = 4, 0.5  # steps in a column, and the share of the height that their range may take
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # bits of a braille cell [4, 2]
BRAILLE = 0x2800
UNICODE_FRAME, ASCII_FRAME = "│┤└─┬", "||+-+"


def sketch_series(
    values: np.ndarray,
    *,
    title: str = "",
    parts: Sequence[tuple[str, int]] = (),
    edges: tuple[str, str] = ("", ""),
    width: int = 80,
    ascii_only: bool = False,
) -> list[str]:
    """Return a series as lines of text: its curve, where its parts begin, its first and last date.

    Each column shows the range of the values that fall into it, so no peak is lost; where that would fill the
    picture, it shows their mean, and the title says so.

    Parameters
    ----------
    values : ndarray of shape (T,)
        Oldest first, NaN where missing.
    title : str
        A line above the curve.
    parts : sequence of (str, int)
        Name and first step of each part, in time order.
    edges : (str, str)
        The first and last date as text.
    width : int
        Characters of a line at most.
    ascii_only : bool
        Whether nothing but ASCII can be shown.

    Examples
    --------
    >>> for line in sketch_series(np.array([0.0, 1, 2, 3, 4, 5]), width=13, ascii_only=True):
    ...     print(line)
    5.000 |     #
          |    #
          |   #
          |  #
          | #
    0.000 |#
          +------
    """
    if not np.isfinite(values).any():
        return []
    across, down, frame = (1, 1, ASCII_FRAME) if ascii_only else (2, 4, UNICODE_FRAME)
    n_steps, (values, steps) = len(values), _thinned(values, across * width)
    if steps > 1:
        title = f"{title} (means of {steps:,} steps)".strip()
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    labels = format_column([high, low])
    margin = max(map(len, labels)) + 2
    cells = max(1, width - margin)
    grid = _draw(values, low, high, columns=cells * across, rows=HEIGHT * down)
    marks = {step * cells // n_steps: name for name, step in parts if 0 < step < n_steps}
    curve = [_marked(line, marks, frame[0]) for line in (_plain(grid) if ascii_only else _braille(grid))]
    left = [labels[0], *[""] * (HEIGHT - 2), labels[1]]
    lines = [f"{label:>{margin - 2}} {frame[1 if label else 0]}{line}" for label, line in zip(left, curve, strict=True)]
    axis = "".join(frame[4] if column in marks else frame[3] for column in range(cells))
    below = [" " * (margin - 1) + frame[2] + axis, *(" " * margin + line for line in _below(marks, edges, cells))]
    return [line.rstrip() for line in [*([printable(title)] if title else []), *lines, *below]]


def _thinned(values: np.ndarray, columns: int) -> tuple[np.ndarray, int]:
    """Return the means of equal stretches and their steps, where ranges would fill the picture; else the values."""
    steps = len(values) // columns
    if steps < CROWDED:
        return values, 1
    stretches = pd.DataFrame(values[len(values) % steps :].reshape(-1, steps).T)
    ranges = stretches.max() - stretches.min()
    if ranges.median() < FILLED * (np.nanmax(values) - np.nanmin(values)):
        return values, 1
    return stretches.mean().to_numpy(), steps


def _draw(values: np.ndarray, low: float, high: float, *, columns: int, rows: int) -> np.ndarray:
    """Return which dots are set [rows, columns]: the first row is the highest."""
    scale = (rows - 1) / (high - low) if high > low else 0.0
    level = np.where(np.isfinite(values), (high - values) * scale if scale else (rows - 1) / 2, np.nan)
    grid = np.zeros((rows, columns), dtype=bool)
    if len(level) < columns:  # a short series is stretched, with straight lines between its values
        level = np.interp(np.linspace(0, len(level) - 1, columns), np.arange(len(level)), level)
    bounds = np.linspace(0, len(level), columns + 1).astype(int)
    before = np.nan
    for column, (start, stop) in enumerate(pairwise(bounds)):
        inside = level[start:stop]
        inside = inside[np.isfinite(inside)]
        if not len(inside):
            before = np.nan
            continue
        top, bottom = inside.min(), inside.max()
        if rows > HEIGHT and np.isfinite(before):  # the curve hangs together
            top, bottom = min(top, before), max(bottom, before)
        grid[round(float(top)) : round(float(bottom)) + 1, column] = True
        before = inside[-1]
    return grid


def _braille(grid: np.ndarray) -> list[str]:
    rows, columns = grid.shape
    blocks = grid.reshape(rows // 4, 4, columns // 2, 2)
    codes = np.einsum("rdca,da->rc", blocks.astype(int), DOTS)
    return ["".join(chr(BRAILLE + code) if code else " " for code in row) for row in codes.tolist()]


def _plain(grid: np.ndarray) -> list[str]:
    return ["".join("#" if dot else " " for dot in row) for row in grid.tolist()]


def _marked(line: str, marks: Mapping[int, str], bar: str) -> str:
    """Return a line of the curve with a bar where a part begins, unless the curve is there."""
    return "".join(bar if place in marks and cell == " " else cell for place, cell in enumerate(line))


def _below(marks: Mapping[int, str], edges: tuple[str, str], cells: int) -> list[str]:
    """Return the lines under the axis: names of the parts, and the dates at its ends."""
    lines, names = [], ""
    for column, name in sorted(marks.items()):
        names = f"{names} {name}" if names and len(names) >= column else names.ljust(column) + name
    if names:
        lines.append(names if len(names) <= cells else " ".join(names.split()).rjust(cells))
    if any(edges):
        lines.append(edges[0] + edges[1].rjust(cells - len(edges[0])))
    return lines
