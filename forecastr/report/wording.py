"""Numbers, names and settings in the words people read: the same on the page, in pictures and terminal."""

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, TypeGuard

from forecastr.schema import MODEL

MISSING = "–"
_CELLS = {"gru": "GRU", "lstm": "LSTM", "rnn": "plain RNN"}
_HEADLINES = {
    "better": "Use this forecast",
    "not better": "Use the baseline instead",
    "copy": "This only repeats the last value",
    "undecided": "No clear winner",
}


def name_in_words(name: str) -> str:
    """Return a forecaster's name as it reads in a sentence or a legend.

    Examples
    --------
    >>> name_in_words("last_value")
    'last value'
    """
    return name.replace("_", " ")


def verdict_headline(kind: str) -> str:
    """Return what a verdict of this kind means for its reader; the sentence below it gives the numbers.

    Examples
    --------
    >>> verdict_headline("copy")
    'This only repeats the last value'
    """
    return _HEADLINES[kind]


def printable(text: str) -> str:
    r"""Return a text that a terminal only shows: names in a table may hold control characters.

    Examples
    --------
    >>> printable("\x1b[2Jgone")
    '?[2Jgone'
    """
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether ``value`` is a finite number, numpy's too; None, NaN, infinity and text are not."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def format_seconds(seconds: float) -> str:
    """Return a duration as a person says it.

    Examples
    --------
    >>> [format_seconds(s) for s in (0.04, 4.06, 59.7, 80, 3700)]
    ['0.04 s', '4.1 s', '1 min', '1 min 20 s', '1 h 2 min']
    """
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    minutes = round(whole / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def format_number(value: Any, decimals: int | None = None) -> str:
    """Return a number with about four figures, or a dash where there is none.

    Examples
    --------
    >>> [format_number(v) for v in (0.91234, 1.5, 71.25, 12345.6, 0.0000123, 0, None)]
    ['0.912', '1.500', '71.25', '12,346', '1.23e-05', '0', '–']
    """
    if not is_number(value):
        return MISSING
    if value == 0 or (isinstance(value, int) and decimals is None):
        return f"{value:,.{decimals or 0}f}"
    if abs(value) < 1e-4 or abs(value) >= 1e9:
        return f"{value:.3g}"
    return f"{value:,.{_decimals(value) if decimals is None else decimals}f}"


def format_column(values: Iterable[Any]) -> list[str]:
    """Return the numbers of one table column, all with the decimals that suit the median one.

    Examples
    --------
    >>> format_column([0.5, 12.25, None, 20.0])
    ['0.50', '12.25', '–', '20.00']
    """
    listed = list(values)
    present = sorted(abs(value) for value in listed if is_number(value) and value)
    decimals = _decimals(present[(len(present) - 1) // 2]) if present else 0
    return [format_number(value, decimals) for value in listed]


def format_share(value: Any, decimals: int = 0) -> str:
    """Return a fraction in percent.

    Examples
    --------
    >>> format_share(0.812), format_share(None)
    ('81 %', '–')
    """
    return f"{100 * value:.{decimals}f} %" if is_number(value) else MISSING


def format_p_value(value: Any) -> str:
    """Return a p-value; below 0.001 its exact size says nothing more.

    Examples
    --------
    >>> format_p_value(0.0312), format_p_value(1e-9)
    ('0.031', '< 0.001')
    """
    if is_number(value) and value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if is_number(value) else MISSING


def config_in_words(config: Mapping[str, Any]) -> str:
    """Return a configuration in one line: the network first, then every other setting that is on.

    Examples
    --------
    >>> config_in_words({"cell": "gru", "layers": 2, "units": 64, "dropout": 0.2, "attention": False})
    'GRU 2 × 64, dropout 0.2'
    """
    rest = {key: value for key, value in config.items() if value not in (None, False, 0, "none")}
    words = []
    if {"cell", "layers", "units"} <= rest.keys():
        words.append(f"{value_in_words(rest.pop('cell'))} {rest.pop('layers')} × {rest.pop('units')}")
    return ", ".join([*words, *(_setting_in_words(key, value) for key, value in rest.items())])


def covariates_in_words(summary: Mapping[str, Any]) -> list[str]:
    """Return what covariates were worth, and which are missing for a forecast: sentences, none without covariates.

    Examples
    --------
    >>> covariates_in_words({"forecast": {"rows": 0, "missing": "'promo' is not known for 7 of 7 steps to forecast"}})
    ["No forecast yet: 'promo' is not known for 7 of 7 steps to forecast. Fill it in rows without a target, and run \
`forecastr predict` with them."]
    """
    sentences = list((summary.get("covariates") or {}).get("sentences") or [])
    if missing := (summary.get("forecast") or {}).get("missing"):
        advice = "Fill it in rows without a target, and run `forecastr predict` with them."
        sentences.append(f"No forecast yet: {missing}. {advice}")
    return sentences


def value_in_words(value: Any) -> str:
    """Return a setting's value as words: lists joined, floats short."""
    if isinstance(value, (list, tuple)):
        return ", ".join(value_in_words(inner) for inner in value) or "none"
    if isinstance(value, bool) or value is None:
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return _CELLS.get(str(value), str(value).replace("_", " "))


def rank_by_error(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the model's name, then the baselines by MASE (MAE where that is undefined), best first."""

    def error(name: str) -> tuple[float, float]:
        mase, mae = metrics[name].get("mase"), metrics[name].get("mae")
        return (mase if is_number(mase) else math.inf, mae if is_number(mae) else math.inf)

    return [MODEL, *sorted((name for name in metrics if name != MODEL), key=error)]


def _setting_in_words(key: str, value: Any) -> str:
    name = key.replace("_", " ")
    return name if value is True else f"{name} {value_in_words(value)}"


def _decimals(value: float) -> int:
    """Return the decimals that leave about four figures: at least none, at most six."""
    size = math.floor(math.log10(abs(value)))
    return min(6, max(0, 3 - max(size, 0) if size >= 0 else 2 - size))
