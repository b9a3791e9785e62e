"""The page of the simulation: what each night decided, how good its champion was, and what became of every fault."""

import html
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from itertools import groupby

LEFT, WIDTH = 46, 1054  # of the drawings, whose nights lie side by side
COLOURS = {"predict": "#cfe0f3", "refit": "#f5a623", "search": "#8e5bc0", "refused": "#d6453d"}
CHAMPION, BASELINE, PROMOTED, FAULT = "#1463b0", "#8a8f98", "#1d8a4a", "#b3261e"
SIGNS = {"a missing day": "M", "a file delivered twice": "D", "another unit": "U", "no server": "S", "kill -9": "K"}
CSS = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;margin:2.5em auto;max-width:1100px;padding:0 1em;color:#1c2330;background:#fff}
h1{font-size:1.7em;margin:0}h2{font-size:1.15em;margin:2.2em 0 .5em}p{margin:.3em 0}.soft{color:#5c6573}
.cards{display:grid;grid-template-columns:repeat(4,1fr);gap:.7em;margin:1.4em 0}
.card{border:1px solid #dfe3e8;border-radius:8px;padding:.6em .9em}
.card b{display:block;font-size:1.7em;line-height:1.2;font-weight:600}.card span{color:#5c6573;font-size:.87em}
svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:#5c6573}
.legend{display:flex;flex-wrap:wrap;gap:.2em 1.4em;font-size:.87em;color:#3c4450;margin:.5em 0 0}
.legend i{display:inline-block;width:1.1em;height:.8em;border-radius:2px;margin-right:.4em;vertical-align:-1px}
.legend i.line{height:3px;vertical-align:4px}
table{border-collapse:collapse;width:100%;font-size:.9em}
th{color:#5c6573;font-weight:500;border-bottom:2px solid #dfe3e8}
td,th{text-align:left;padding:.35em .8em .35em 0;vertical-align:top}td{border-bottom:1px solid #edf0f3}
td:nth-child(-n+2){white-space:nowrap}td{font-variant-numeric:tabular-nums}
.tag{border-radius:4px;padding:.05em .5em;font-size:.92em;white-space:nowrap;color:#fff}
.tag.predict{color:#1c2330}summary{cursor:pointer;color:#1463b0}
"""


def page(nights: list[dict], seconds: float) -> str:
    """Return the page: counts, the year as drawings above each other, the faults, the challenges, every night."""
    first, last = nights[0]["as_of"], nights[-1]["as_of"]
    challenges = [night for night in nights if night["action"] in ("refit", "search")]
    every = table(("night", "decision", "why", "champion", "fault"), (usual_row(night) for night in nights))
    return f"""<!doctype html><html lang=en><meta charset=utf-8>
<meta name=viewport content="width=device-width"><title>{len(nights)} nights of crude oil</title><style>{CSS}</style>
<h1>{len(nights)} nights of crude oil, unattended</h1>
<p class=soft>{first} to {last}, each night with the rows that were there, faults injected;
replayed in {seconds / 60:.1f} minutes.</p>
{cards(nights)}
<h2>The year</h2>
{drawing(nights)}
{legend()}
<p class=soft>The baseline is the best of all on the same nights, chosen in hindsight. Prices are close to a random
walk: there is little to find beyond the last value.</p>
<h2>What went wrong, and what the pipeline did</h2>
{table(("night", "fault", "what came of it"), map(fault_row, faults(nights)))}
<h2>Challenges</h2>
<p class=soft>Champion and challenger are compared on rows that neither was trained on; the challenger takes over if its
error is lower and the Diebold-Mariano test says so.</p>
{table(("night", "decision", "why", "outcome", "on the same windows"), map(challenge_row, challenges))}
<h2>Every night</h2>
<details><summary>All {len(nights)} decisions and their reasons</summary>{every}</details>
</html>"""


def cards(nights: list[dict]) -> str:
    """Return the counts."""
    done = [night for night in nights if night["status"] == "done"]
    actions = Counter(night["action"] for night in done)
    scored = [night for night in done if night.get("rolling") and night.get("baseline")]
    better = 100 * sum(night["rolling"] < night["baseline"] for night in scored) / len(scored) if scored else 0
    shown = [
        (len(done), "forecasts published"), (len(nights) - len(done), "nights refused"),
        (actions["predict"], "predicted as usual"), (f"{actions['refit']} + {actions['search']}", "refits + searches"),
        (sum(night["promoted"] for night in done), "promotions"), (len(faults(nights)), "faults injected"),
        (f"{better:.0f} %", "of nights below the baseline's error"),
        (sum(night["tracked"] for night in done), "nights in MLflow"),
    ]  # fmt: skip
    return (
        "<div class=cards>" + "".join(f"<div class=card><b>{n}</b><span>{t}</span></div>" for n, t in shown) + "</div>"
    )


def drawing(nights: list[dict]) -> str:
    """Return prices, rolling errors, decisions and faults above each other, a column for every night."""
    step, first = WIDTH / len(nights), {night["as_of"] for night, _ in faults(nights)}
    prices = [night["price"] for night in nights]
    errors = [night[name] for night in nights for name in ("rolling", "baseline") if night.get(name)] or [1.0]
    low, high = 0.9 * min(errors), 1.05 * max(errors)
    price, error = axis(min(prices), max(prices), 24, 90), axis(low, high, 156, 190)
    parts = [
        *months(nights, step, 410), *grid(price, min(prices), max(prices)), *grid(error, low, high),
        *(f"<text x={LEFT} y={y}>{text}</text>" for y, text in (
            (12, "Price, dollars a barrel"), (136, "Rolling error, in usual daily steps"))),
        line(prices, price, step, "#3c4450", 1.4),
        *(line([night.get(name) for night in nights], error, step, colour, 2)
          for name, colour in (("baseline", BASELINE), ("rolling", CHAMPION))),
        *(promotion(number, step) for number, night in enumerate(nights) if night["promoted"]),
        *(cell(number, night, step) for number, night in enumerate(nights)),
        *(fault_sign(number, night, step) for number, night in enumerate(nights) if night["as_of"] in first),
        *(f"<text x={LEFT - 8} y={y} text-anchor=end>{t}</text>" for y, t in ((368, "nights"), (396, "faults"))),
    ]  # fmt: skip
    return f"<svg viewBox='0 0 1106 424' role=img aria-label='The year, night by night'>{''.join(parts)}</svg>"


def axis(low: float, high: float, top: float, height: float) -> Callable[[float], float]:
    """Return the place of a value between two others on a panel."""
    return lambda value: top + height * (1 - (value - low) / ((high - low) or 1))


def grid(place: Callable[[float], float], low: float, high: float) -> Iterable[str]:
    """Yield lines at round values."""
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if (high - low) / step <= 5)
    value = -(-low // step) * step
    while value <= high:
        y = place(value)
        yield f"<line x1={LEFT} x2={LEFT + WIDTH} y1={y:.1f} y2={y:.1f} stroke='#edf0f3'/>"
        yield f"<text x={LEFT - 8} y={y + 4:.1f} text-anchor=end>{value + 0:g}</text>"
        value += step


def months(nights: list[dict], step: float, y: float) -> Iterable[str]:
    """Yield the name of each month at its first night; years where they begin."""
    before = None
    for number, night in enumerate(nights):
        day = date.fromisoformat(night["as_of"])
        if before is not None and day.month != before.month:
            name = f"{day:%b %Y}" if day.month == 1 else f"{day:%b}"
            x = LEFT + number * step
            yield f"<line x1={x:.1f} x2={x:.1f} y1=20 y2={y - 14} stroke='#f4f6f8'/>"
            yield f"<text x={x:.1f} y={y + 10}>{name}</text>"
        before = day


def line(values: list, place: Callable[[float], float], step: float, colour: str, width: float) -> str:
    """Return a line that breaks where there is no value."""
    runs = groupby(enumerate(values), key=lambda pair: pair[1] is not None)
    points = [[f"{LEFT + (n + 0.5) * step:.1f},{place(value):.1f}" for n, value in run] for known, run in runs if known]
    drawn = "".join(f"<polyline points='{' '.join(run)}'/>" for run in points)
    return f"<g fill=none stroke='{colour}' stroke-width={width} stroke-linejoin=round stroke-linecap=round>{drawn}</g>"


def promotion(number: int, step: float) -> str:
    """Return a line where a champion begins."""
    x = LEFT + (number + 0.5) * step
    return (
        f"<line x1={x:.1f} x2={x:.1f} y1=152 y2=356 stroke='{PROMOTED}' stroke-width=1.5 stroke-dasharray='4 3'/>"
        f"<path d='M{x:.1f} 154l-5 -8h10z' fill='{PROMOTED}'/>"
    )


def cell(number: int, night: dict, step: float) -> str:
    """Return a night's decision as a colour, told in words when it is pointed at."""
    told = html.escape(f"{night['as_of']}: {decision(night)}: {night['reason']}")
    return (
        f"<rect x={LEFT + number * step:.2f} y=356 width={max(step - 0.6, 0.6):.2f} height=18 "
        f"fill='{COLOURS[decision(night)]}'><title>{told}</title></rect>"
    )


def fault_sign(number: int, night: dict, step: float) -> str:
    """Return the sign of a night's fault."""
    return (
        f"<text x={LEFT + (number + 0.5) * step:.1f} y=396 text-anchor=middle style='fill:{FAULT};font-weight:600'>"
        f"{SIGNS[night['fault']]}<title>{html.escape(night['fault'])}</title></text>"
    )


def legend() -> str:
    """Return what colours, lines and signs mean."""
    lines = (("champion", CHAMPION), ("best baseline on the same nights", BASELINE))
    shown = [f"<span><i class=line style='background:{colour}'></i>{name}</span>" for name, colour in lines]
    shown += [f"<span><b style='color:{PROMOTED}'>▼</b> a champion is promoted</span>"]
    shown += [f"<span><i style='background:{colour}'></i>{name}</span>" for name, colour in COLOURS.items()]
    shown += [f"<span><b style='color:{FAULT}'>{sign}</b> {name}</span>" for name, sign in SIGNS.items()]
    return f"<p class=legend>{''.join(shown)}</p>"


def faults(nights: list[dict]) -> list[tuple[dict, dict | None]]:
    """Return the first night of each fault, and the night after it."""
    found = []
    for number, night in enumerate(nights):
        if night["fault"] and (number == 0 or nights[number - 1]["fault"] != night["fault"]):
            after = next((later for later in nights[number:] if later["fault"] != night["fault"]), None)
            found.append((night, after))
    return found


def fault_row(pair: tuple[dict, dict | None]) -> tuple[str, ...]:
    """Return a fault in words."""
    night, after = pair
    fault = night["fault"]
    if night["status"] == "refused":
        came = f"{tag('refused')} The forecast of the night before stays: {html.escape(night['reason'])}."
    elif fault == "no server":
        back = f", and were delivered when it was back on {after['as_of']}" if after and night["tracked"] else ""
        came = f"{tag(night['action'])} Published all the same; the nights without a server waited{back}."
    elif fault == "kill -9":
        came = (
            f"{tag(night['action'])} Killed after its event <code>{night['killed_after']}</code>; "
            "the same command again ended the night."
        )
    else:
        came = f"{tag(night['action'])} Published from the rows that were there; the next night has both days."
    return night["as_of"], f"<b style='color:{FAULT}'>{SIGNS[fault]}</b> {fault}", came


def challenge_row(night: dict) -> tuple[str, ...]:
    """Return a refit or a search in words."""
    outcome = f"<b style='color:{PROMOTED}'>▼ promoted</b>" if night["promoted"] else "champion stays"
    return night["as_of"], tag(night["action"]), html.escape(night["reason"]), outcome, html.escape(night["promotion"])


def usual_row(night: dict) -> tuple[str, ...]:
    """Return any night in words."""
    champion = html.escape(night.get("champion") or "")
    return night["as_of"], tag(decision(night)), html.escape(night["reason"]), champion, night["fault"] or ""


def table(names: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows below their names."""
    head = "".join(f"<th>{name}" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{value}</td>" for value in row) for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def tag(name: str) -> str:
    """Return a decision in its colour."""
    return f"<span class='tag {name}' style='background:{COLOURS[name]}'>{name}</span>"


def decision(night: dict) -> str:
    """Return what a night decided, or that it was refused."""
    return "refused" if night["status"] == "refused" else str(night["action"])
