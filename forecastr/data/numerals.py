"""How people write a number: signs, currency marks, percent, suffixes, thousands and decimal marks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

EXPONENT = r"(?:[eE][+-]?\d+)?"
PLAIN = rf"[+-]?(?:\d+\.?\d*|\.\d+){EXPONENT}"
SPACES = " \u00a0\u2007\u2009\u202f"  # plain, no-break, figure, thin, narrow no-break
MINUS = "\u2212\u2013\ufe63\uff0d"  # minus, en dash, small and full-width hyphen
CODES = (
    "USD|EUR|GBP|JPY|CNY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|TRY|RUB|UAH|INR|KRW|BRL|MXN|ZAR|SGD|HKD|TWD|THB|"
    "IDR|MYR|PHP|VND|ILS|AED|SAR|EGP|NGN|KES|ARS|CLP|COP|PEN|ISK|BGN|BTC|ETH|USDT"
)
CURRENCY = rf"(?:US|A|C|R|NZ|HK|S)?[$\u00a2-\u00a5\u20a0-\u20bf]|{CODES}|kr\.?|z\u0142|K\u010d|Fr\.?"
FEW = 5000
FACTORS = {"K": 1e3, "k": 1e3, "M": 1e6, "B": 1e9, "bn": 1e9, "T": 1e12}
# What needs no second look: digits, marks and an exponent.
SIMPLE = rf"[+-]?[\d.,]+{EXPONENT}"
WRITTEN = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-])?(?:(?P<before>{CURRENCY})[{SPACES}]*)?(?P<inner>[-+(])?"
    rf"(?P<core>[\d.,]+{EXPONENT}|\d{{1,3}}(?:[{SPACES}'\u2019]\d{{3}})+(?:[.,]\d*)?)"
    rf"(?:[{SPACES}]*(?P<suffix>{'|'.join(FACTORS)}))?(?P<trailing>[-)])?"
    rf"(?:[{SPACES}]*(?P<after>{CURRENCY}|%))?(?P<last>[-)])?",
    re.ASCII,
)
GROUP_MARKS = re.compile(rf"[{SPACES}'\u2019]")


@dataclass(frozen=True)
class NumberStyle:
    """One way to write numbers: its decimal mark, the mark between thousands, and the pattern of both."""

    decimal: str
    group: str
    pattern: str
    grouped: str


def _style(decimal: str, group: str) -> NumberStyle:
    point, mark = re.escape(decimal), re.escape(group)
    fraction = rf"(?:{point}\d*)?"
    # 1,234,567.8 and, as in India, 12,34,567.8
    grouped = rf"[+-]?[1-9]\d{{0,2}}(?:{mark}\d{{3}})+{fraction}|[+-]?[1-9]\d?(?:{mark}\d{{2}})+{mark}\d{{3}}{fraction}"
    return NumberStyle(decimal, group, rf"[+-]?(?:\d+{point}?\d*|{point}\d+){EXPONENT}|{grouped}", grouped)


POINT = _style(".", ",")
COMMA = _style(",", ".")
# Either "1,234" or "1.234": one number above a thousand, or one near one with three decimals.
EITHER = r"[+-]?[1-9]\d{0,2}[.,]\d{3}"


@dataclass(frozen=True)
class Numerals:
    """Texts [U] taken apart.

    Parameters
    ----------
    cores : Series of str
        A sign, digits and marks; as it stood where the text is not a number.
    factors : ndarray of float
        What a suffix multiplies by.
    units : ndarray of object
        A currency mark or ``%``; empty where there is none.
    traits : dict
        Masks [U] by what was done.
    """

    cores: pd.Series
    factors: np.ndarray
    units: np.ndarray
    traits: dict[str, np.ndarray]


MINUS_READ = "typographic minus signs read as minus"
BRACKETS = "numbers in brackets read as negative"
SUFFIXES = "suffixes of thousands, millions and billions multiplied out"
THOUSANDS = "thousands marks taken out of numbers"


def fits(texts: pd.Series, pattern: str) -> np.ndarray:
    """Return where text [U] is as a pattern says from its beginning to its end."""
    if len(texts) <= FEW:  # pandas takes milliseconds to look at the pattern alone
        whole = re.compile(pattern, re.ASCII).fullmatch
        return np.fromiter((whole(text) is not None for text in texts.tolist()), dtype=bool, count=len(texts))
    return texts.str.fullmatch(pattern).to_numpy(dtype=bool)


def take_apart(texts: pd.Series) -> Numerals:
    """Return texts without anything around their digits and marks."""
    factors = np.ones(len(texts))
    units = np.full(len(texts), "", dtype=object)
    traits = {what: np.zeros(len(texts), dtype=bool) for what in (THOUSANDS, MINUS_READ, BRACKETS, SUFFIXES)}
    odd = np.flatnonzero(~fits(texts, SIMPLE))
    if not len(odd):
        return Numerals(texts, factors, units, traits)
    cores = texts.to_numpy(dtype=object).copy()
    for place in odd:
        text = re.sub(f"[{MINUS}]", "-", cores[place])
        found = WRITTEN.fullmatch(text)
        if found is None or _marks(found) not in ("", "+", "-", "()") or (found["before"] and found["after"]):
            continue
        marks = _marks(found)
        core = GROUP_MARKS.sub("", found["core"])
        traits[THOUSANDS][place] = len(core) < len(found["core"])
        traits[MINUS_READ][place] = text != cores[place]
        traits[BRACKETS][place] = marks == "()"
        traits[SUFFIXES][place] = bool(found["suffix"])
        factors[place] = FACTORS.get(found["suffix"], 1.0)
        units[place] = found["before"] or found["after"] or ""
        cores[place] = ("-" if marks in ("-", "()") else "") + core
    return Numerals(pd.Series(cores, dtype="str"), factors, units, traits)


def to_floats(cores: Sequence[str] | pd.Series, style: NumberStyle) -> np.ndarray:
    """Return numbers [U] from texts that all fit a style."""
    plain = pd.Series(cores, dtype="str").str.replace(style.group, "", regex=False)
    if style.decimal != ".":
        plain = plain.str.replace(style.decimal, ".", regex=False)
    return plain.astype(np.float64).to_numpy()


def _marks(found: re.Match[str]) -> str:
    """Return the signs and brackets around a number, in their order."""
    return "".join(found[name] or "" for name in ("open", "sign", "inner", "trailing", "last"))
