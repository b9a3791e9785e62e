"""The tracked model: MLflow copies this file beside the bundle and runs it to load the model."""

import warnings
from typing import Any

import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's import warns of type hints of its own
    from mlflow.models import set_model
    from mlflow.pyfunc.model import PythonModel, PythonModelContext

from forecastr.schema import ID, TIME


class BundleModel(PythonModel):
    """A bundle as MLflow serves it: history in, forecast out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the bundle that was logged with the model."""
        from forecastr.bundle import load_bundle

        self.bundle = load_bundle(context.artifacts["bundle"])

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the forecast that follows ``model_input``.

        Parameters
        ----------
        model_input : DataFrame
            Columns ``unique_id``, ``ds``, ``y`` and the covariates that the networks read: rows the bundle
            has not seen yet, ``ds`` as ISO dates (2026-11-20) or as the integers it was trained on. Covariates
            known in the future follow in rows without ``y``. Without rows the forecast follows the last ones
            it has seen.

        Returns
        -------
        DataFrame
            The columns of ``forecast.csv``; ``ds`` is text.
        """
        history = _to_history(model_input, self.bundle.context[TIME].dtype) if len(model_input) else None
        forecast: pd.DataFrame = self.bundle.predict(history)
        return forecast.assign(ds=forecast[TIME].astype(str))


def _to_history(rows: pd.DataFrame, time_type: Any) -> pd.DataFrame:
    # Anything but ISO would be a guess at which number is the month.
    dates = pd.api.types.is_datetime64_any_dtype(time_type)
    stamps = pd.to_datetime(rows[TIME], format="ISO8601") if dates else pd.to_numeric(rows[TIME])
    return rows.assign(**{ID: rows[ID].astype(str), TIME: stamps.astype(time_type)})


set_model(BundleModel())
