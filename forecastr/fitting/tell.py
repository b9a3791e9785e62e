"""The run folder: tables, pictures, report and summary, from what a fit left in memory."""

from importlib import import_module
from threading import Thread

import pandas as pd

from forecastr.bundle.tables import write_table
from forecastr.files import whole_file, write_json
from forecastr.fitting.clock import Clock
from forecastr.fitting.folder import Workplace
from forecastr.fitting.plan import Plan
from forecastr.fitting.run import Fitted
from forecastr.schema import ID, TARGET, TIME
from forecastr.search.ledger import read_ledger

MOST_HISTORY = 20_000  # rows of a series: more than a picture can show
LATER = (  # modules of what follows the search
    "scipy.special",
    "matplotlib.backends.backend_agg",
    "matplotlib.dates",
    "plotly.offline",
    "jinja2",
    "forecastr.report.pictures",
)
HISTORY_TESTS = 2  # test parts' lengths of rows shown in pictures, the test part itself among them


def load_later() -> None:
    """Begin to import what judging and drawing need: it takes a second, which is there while workers train."""
    Thread(target=lambda: [import_module(name) for name in LATER], daemon=True).start()


def write_judgement(work: Workplace, plan: Plan, fitted: Fitted) -> None:
    """Write the tables and pictures that tell of the search and the test part."""
    from forecastr.report import draw_error_by_horizon, draw_learning_curves

    folder, summary = work.run, fitted.summary
    write_table(fitted.backtest, folder / "backtest.csv", plan.panel.source)
    with whole_file(folder / "leaderboard.csv") as temporary:
        fitted.leaderboard.to_csv(temporary, index=False, float_format="%.10g")
    if len(plan.exceptions):
        with whole_file(folder / "exceptions.csv") as temporary:
            plan.exceptions.to_csv(temporary, index=False)
    write_json(folder / "data_report.json", plan.panel.report)
    draw_learning_curves(folder / "learning_curves.png", events=read_ledger(work.ledger))
    draw_error_by_horizon(
        folder / "error_by_horizon.png",
        horizon_errors=summary["horizon_errors"],
        baseline_name=summary["baseline"],
    )


def write_run_folder(work: Workplace, plan: Plan, fitted: Fitted, clock: Clock) -> None:
    """Write the forecast, and what shows it beside all that is written already; the summary comes last.

    ``fitted.summary`` gains the seconds by phase.
    """
    from forecastr.report import draw_predicted_vs_actual, write_page

    folder, summary = work.run, fitted.summary
    history = recent_history(plan)
    with clock.phase("report"):
        if len(fitted.forecast):
            write_table(fitted.forecast, folder / "forecast.csv", plan.panel.source)
        draw_predicted_vs_actual(
            folder / "predicted_vs_actual.png",
            backtest=fitted.backtest,
            forecast=fitted.forecast,
            history=history,
            baseline_name=summary["baseline"],
            title=summary["name"],
            verdict=summary["verdict"]["sentence"],
        )
        summary["seconds"] = {**clock.phases, "total": clock.elapsed}
        write_page(
            folder / "report.html",
            summary=summary,
            data_report=plan.panel.report,
            leaderboard=fitted.leaderboard,
            backtest=fitted.backtest,
            forecast=fitted.forecast,
            history=history,
            events=read_ledger(work.ledger),
        )
    summary["seconds"] = {**clock.phases, "total": clock.elapsed}
    write_json(folder / "summary.json", summary)


def recent_history(plan: Plan) -> pd.DataFrame:
    """Return the rows of every series that pictures show: the test part and as much before it."""
    steps = min(max(HISTORY_TESTS * plan.splits.n_test, plan.splits.n_test + 60), MOST_HISTORY)
    return plan.panel.frame[[ID, TIME, TARGET]].take(plan.store.last(steps)).reset_index(drop=True)
