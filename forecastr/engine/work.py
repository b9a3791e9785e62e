"""Units of work as plain values: what a worker is asked to do."""

from dataclasses import dataclass
from pathlib import Path

from forecastr.models.config import NetworkConfig, WindowShape
from forecastr.windows.store import Cutoffs

# Functions that workers import when they run them: the parent never loads Keras for this.
TRAIN = "forecastr.engine.training:train"
FORECAST = "forecastr.engine.forecasting:forecast"
EXPORT = "forecastr.engine.forecasting:export"


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """Train one configuration.

    Parameters
    ----------
    trial : str
        Its number, as a name.
    config, shape : NetworkConfig, WindowShape
        The network and its training.
    train : Path
        Folder of the rows to train on.
    known : Path
        Folder of the same rows and the validation part behind them.
    validation : Cutoffs or None
        Where validation forecasts start; None trains for all of ``config.updates``.
    horizon : int
        Steps to forecast.
    seed : int
        Of initial weights, dropout and the windows drawn.
    seconds : float
        Training stops after so many, and keeps the best weights so far.
    output : Path
        Folder for ``weights.npz`` and ``validation.npy``.
    network : Path or None
        Where to write the forecasting network as a ``.keras`` file too.
    begin_with : Path or None
        Weights to go on from, as training wrote them; None begins with random ones.
    """

    trial: str
    config: NetworkConfig
    shape: WindowShape
    train: Path
    known: Path
    validation: Cutoffs | None
    horizon: int
    seed: int
    seconds: float
    output: Path
    network: Path | None = None
    begin_with: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ForecastJob:
    """Forecast with trained weights.

    Parameters
    ----------
    config, shape : NetworkConfig, WindowShape
        The network.
    weights : Path
        What training wrote.
    store : Path
        Folder of all rows that the forecasts may read.
    scaled_on : Path
        Folder of the rows that the scaling was fitted on.
    cutoffs : Cutoffs
        Where to forecast from.
    horizon : int
        Steps to forecast.
    output : Path
        File for the quantiles [W, H, Q].
    """

    config: NetworkConfig
    shape: WindowShape
    weights: Path
    store: Path
    scaled_on: Path
    cutoffs: Cutoffs
    horizon: int
    output: Path
