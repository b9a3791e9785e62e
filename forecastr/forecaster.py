"""The forecaster as a Python object, in scikit-learn's manner."""

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags

from forecastr.bundle.backtest import Backtest
from forecastr.bundle.bundle import Bundle
from forecastr.bundle.load import load_bundle
from forecastr.data import Panel, ReadOptions, read_panel
from forecastr.data.files.table import TableSource
from forecastr.data.options import names_of
from forecastr.errors import ConfigError, DataError
from forecastr.fitting.fit import FitOptions, fit_table
from forecastr.schema import TARGET, TIME, parse_seconds

Table = TableSource | pd.Series | np.ndarray


class Forecaster(BaseEstimator):  # type: ignore[misc]
    """Searches a recurrent network for a table, judges it against baselines, and forecasts with it.

    Parameters
    ----------
    horizon : int, optional
        Steps to forecast; the frequency's usual one if not given.
    target, time, id : str, optional
        Columns of the table; found by name and content if not given. Several targets, as ``"A,B"`` or a list, are
        the series of a wide table.
    wide : bool
        Every numeric column is a series.
    known_covariates : str or sequence of str, optional
        Columns whose values are known through the horizon, such as ``"promo,holiday"``.
    past_covariates : str or sequence of str, optional
        Columns known until now; every other numeric one if not given, ``"none"`` for none.
    duplicates : {"error", "first", "last", "mean", "sum"}
        What to do with several values at one time of one series.
    missing : {"mask", "forward", "zero", "error"}
        What stands where a value is missing: nothing, the last one before, zero; or an error.
    context : int, optional
        Past steps a network reads; 60 and what the search finds better if not given.
    season : int, optional
        Steps in one season; found in the data if not given.
    preset : {"auto", "classic"}
        The search, or exactly the network of the tutorials.
    time_limit : str or float
        For the whole fit: seconds, or a text such as ``"2m"``.
    max_trials : int, optional
        Configurations to try at most.
    jobs : int, optional
        Worker processes; one per core if not given.
    backend : {"auto", "jax", "tensorflow", "torch"}
        Keras backend.
    seed : int
        Of everything that is drawn at random.
    output : str or Path, optional
        Run folder to write; a temporary one, gone with this object, if not given. A search that was cut off there
        goes on.

    Attributes
    ----------
    bundle_ : Bundle
        The fitted networks with their task and scaling.
    summary_ : dict
        What ``summary.json`` holds: the verdict, metrics of model and baselines, the chosen configuration.
    leaderboard_ : DataFrame
        Every trial, the ensemble and the baselines.

    Examples
    --------
    >>> Forecaster(horizon=20, time_limit="2m").get_params()["horizon"]
    20
    """

    def __init__(
        self,
        horizon: int | None = None,
        *,
        target: str | Sequence[str] | None = None,
        time: str | None = None,
        id: str | None = None,
        wide: bool = False,
        known_covariates: str | Sequence[str] | None = None,
        past_covariates: str | Sequence[str] | None = None,
        duplicates: str = "error",
        missing: str = "mask",
        context: int | None = None,
        season: int | None = None,
        preset: str = "auto",
        time_limit: str | float = "2m",
        max_trials: int | None = None,
        jobs: int | None = None,
        backend: str = "auto",
        seed: int = 1,
        output: str | Path | None = None,
    ) -> None:
        self.horizon = horizon
        self.target = target
        self.time = time
        self.id = id
        self.wide = wide
        self.known_covariates = known_covariates
        self.past_covariates = past_covariates
        self.duplicates = duplicates
        self.missing = missing
        self.context = context
        self.season = season
        self.preset = preset
        self.time_limit = time_limit
        self.max_trials = max_trials
        self.jobs = jobs
        self.backend = backend
        self.seed = seed
        self.output = output

    def fit(self, X: Table, y: Any = None) -> "Forecaster":
        """Search, judge and keep a forecaster for a table.

        Parameters
        ----------
        X : path, list of paths, DataFrame, Series or ndarray of shape (T,)
            The table; a Series or an array of values is one series, oldest first.
        y : None
            Not used: the table holds the target.

        Raises
        ------
        DataError, ConfigError
            If the table or an option cannot be used.
        SearchError
            If no trial was completed.
        """
        parameters = self.get_params()
        output = parameters.pop("output")
        past = parameters.pop("past_covariates")
        reading = ReadOptions(
            target=names_of(parameters.pop("target")),
            time=parameters.pop("time"),
            id=parameters.pop("id"),
            wide=parameters.pop("wide"),
            known_covariates=names_of(parameters.pop("known_covariates")),
            past_covariates=None if past is None else names_of(past),
            duplicates=parameters.pop("duplicates"),
            missing=parameters.pop("missing"),
        )
        options = FitOptions(reading=reading, **{**parameters, "time_limit": parse_seconds(self.time_limit)})
        if output is None:
            output = tempfile.mkdtemp(prefix="forecastr-run-")
            weakref.finalize(self, shutil.rmtree, output, ignore_errors=True)
        fitted = fit_table(_as_table(X), Path(output), options)
        self.bundle_ = fitted.bundle
        self.summary_ = fitted.summary
        self.leaderboard_ = fitted.leaderboard
        return self

    def predict(self, X: Table | None = None) -> pd.DataFrame:
        """Return the forecast that follows the data, or that follows newer rows.

        Returns
        -------
        DataFrame
            ``unique_id, ds, forecastr, forecastr-lo-80, ..., baseline``: a row per series and step.
        """
        return self._fitted().predict(None if X is None else self._read(X))

    def backtest(self, X: Table) -> Backtest:
        """Judge forecasts from every cutoff of newer rows, without training."""
        return self._fitted().backtest(self._read(X))

    def leaderboard(self) -> pd.DataFrame:
        """Return every trial, the ensemble and the baselines, best first."""
        self._fitted()
        if not hasattr(self, "leaderboard_"):
            raise NotFittedError("A loaded Forecaster has no leaderboard: a bundle does not hold the search.")
        return self.leaderboard_

    def save(self, path: str | Path) -> None:
        """Write the bundle into a new folder.

        Raises
        ------
        ConfigError
            If the folder is there already.
        """
        if Path(path).exists():
            raise ConfigError(f"{path} is there already. Name a new folder.")
        shutil.copytree(self._fitted().folder, path)

    @classmethod
    def load(cls, path: str | Path) -> "Forecaster":
        """Return a forecaster that predicts with a saved bundle; it has no leaderboard.

        Raises
        ------
        BundleError
            If the folder holds no sound bundle.
        """
        bundle = load_bundle(path)
        forecaster = cls(horizon=bundle.task.horizon, preset=bundle.task.preset, seed=bundle.task.seed)
        forecaster.bundle_ = bundle
        return forecaster

    def __sklearn_tags__(self) -> Tags:
        """Say that input is a table with time stamps, not a matrix of features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.no_validation = True
        tags.target_tags.required = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a bundle to forecast with."""
        return hasattr(self, "bundle_")

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle, which a fitted forecaster has none of: its networks are files."""
        if self.__sklearn_is_fitted__():
            raise TypeError("A fitted Forecaster is not pickled. Call save, and Forecaster.load where it is needed.")
        return dict(super().__getstate__())

    def _fitted(self) -> Bundle:
        if not hasattr(self, "bundle_"):
            raise NotFittedError("This Forecaster is not fitted yet. Call fit first, or load a bundle.")
        return self.bundle_

    def _read(self, rows: Table) -> Panel:
        return read_panel(_as_table(rows), like=self._fitted().source)


def _as_table(data: Table) -> TableSource:
    """Return what the reader takes: bare values become a table with an integer time axis."""
    if isinstance(data, (str, Path, pd.DataFrame)):
        return data
    if isinstance(data, (list, tuple)) and data and all(isinstance(path, (str, Path)) for path in data):
        return data
    if isinstance(data, pd.Series):
        return data.to_frame(data.name or TARGET)
    values = np.asarray(data)
    if values.ndim != 1:
        raise DataError(
            f"An array of shape {values.shape} has no time axis. Pass a path, a DataFrame with a time column, "
            "or one series of values."
        )
    return pd.DataFrame({TIME: np.arange(len(values)), TARGET: values})
