"""The registry follows the pipeline: the alias is the champion's, whoever that is."""

import json
import shutil

import pandas as pd
import pytest

from forecastr.bundle import load_bundle
from forecastr.pipeline import night as nights
from forecastr.pipeline.scoring import Comparison
from forecastr.tracking import champion, fetch_model
from forecastr.tracking.client import open_store

FIRST = "1988-09-07"
ADDRESS = "models:/oil@champion"


@pytest.mark.slow
def test_a_night_registers_its_champion_and_only_a_better_challenger_moves_the_alias(desk, forecastr_here, monkeypatch):
    uri, fits = f"sqlite:///{desk.folder}/mlflow.db", desk.folder / "runs" / "oil" / "fits"
    desk.edit("{uri: 'http://127.0.0.1:9'}", f"{{uri: '{uri}', model: oil}}")
    desk.edit("refit_after: 40", "refit_after: 5")
    shutil.rmtree(desk.folder / "runs" / "oil" / "nights")  # the first night again, its fit being there

    def run(night: str) -> None:
        done = forecastr_here("run", "oil.yaml", "--as-of", night, cwd=desk.folder)
        assert done.returncode == 0, done.stderr

    def run_until_challenged(after: str, result: Comparison) -> str:
        """Run nights up to one with a challenge, which comes out as told; return that night."""
        monkeypatch.setattr(nights, "compare_bundles", lambda *bundles: result)
        for night in pd.bdate_range(after, periods=9)[1:]:
            run(f"{night:%Y-%m-%d}")
            if (fits / f"{night:%Y-%m-%d}-refit").exists():
                return f"{night:%Y-%m-%d}"
        raise AssertionError("no night challenged the champion")

    def forecast(bundle) -> list[float]:
        return load_bundle(bundle).predict()["forecastr"].tolist()

    run(FIRST)
    with open_store(uri) as client:
        first = client.get_registered_model("oil")
    assert champion(uri, "oil")[0] == "1"
    assert "forecastr predict models:/oil@champion" in first.description
    assert forecast(fetch_model(ADDRESS, uri)) == forecast(fits / f"{FIRST}-search" / "bundle")

    night = run_until_challenged(FIRST, Comparison(challenger=0.8, champion=1.0, p_value=0.001, cutoffs=30))
    better = fits / f"{night}-refit"
    with open_store(uri) as client:
        assert champion(uri, "oil")[0] == "2"
        summary = nights.read_summary(better)
        assert summary["verdict"]["sentence"] in client.get_registered_model("oil").description
    predicted = forecastr_here("predict", ADDRESS, "--json", cwd=desk.folder)
    values = [row["forecastr"] for row in json.loads(predicted.stdout)]
    assert values == pytest.approx(forecast(better / "bundle"), rel=1e-6)
    assert values != pytest.approx(forecast(fits / f"{FIRST}-search" / "bundle"), rel=1e-6)

    fitted = lambda rows, folder, options, **rest: shutil.copytree(better, folder)  # noqa: E731
    monkeypatch.setattr(nights, "fit_table", fitted)
    run_until_challenged(night, Comparison(challenger=1.2, champion=1.0, p_value=0.001, cutoffs=30))
    assert champion(uri, "oil")[0] == "2"
    assert forecast(fetch_model(ADDRESS, uri)) == forecast(better / "bundle")
