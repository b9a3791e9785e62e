"""Registered models: versions, aliases, the pages that describe them, and the way back to a bundle."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from forecastr.bundle.manifest import read_bundle
from forecastr.errors import ConfigError, TrackingError
from forecastr.tracking import TrackedRun, champion, fetch_model, is_model_address, register_model, set_alias, track_run
from mlflow import MlflowClient


@pytest.fixture
def two(make_run_folder: Callable[..., Path], store: str) -> list[TrackedRun]:
    """Return two tracked fits of one store."""
    return [track_run(make_run_folder(name), tracking_uri=store) for name in ("first", "second")]


def test_versions_count_up_and_the_champion_is_who_the_alias_says(two: list[TrackedRun], store: str):
    assert champion(store, "prices") is None
    first = register_model(store, two[0].run_id, "prices", alias="champion")
    second = register_model(store, two[1].run_id, "prices", alias="challenger")

    assert (first, second) == ("1", "2")
    assert champion(store, "prices") == ("1", two[0].run_id)
    assert champion(store, "prices", "challenger") == ("2", two[1].run_id)
    assert champion(store, "prices", "archived") is None
    set_alias(store, "prices", "2")
    assert champion(store, "prices") == ("2", two[1].run_id)


def test_registering_a_run_again_gives_the_same_version(two: list[TrackedRun], store: str):
    assert [register_model(store, two[0].run_id, "prices") for _ in range(2)] == ["1", "1"]


def test_the_pages_say_verdict_fingerprint_and_how_to_call_it(two: list[TrackedRun], store: str):
    register_model(store, two[0].run_id, "prices", alias="champion")
    client = MlflowClient(tracking_uri=store, registry_uri=store)

    for text, address in (
        (client.get_model_version("prices", "1").description, "models:/prices/1"),
        (client.get_registered_model("prices").description, "models:/prices@champion"),
    ):
        assert "Better than theta by 12.5 % (p = 0.003)." in text
        assert "fingerprint `sha256:ab12`" in text
        assert f'mlflow.pyfunc.load_model("{address}")' in text
        assert f"forecastr predict {address} --data" in text
        assert f"mlflow models serve -m {address} --env-manager local" in text


def test_a_description_asked_for_is_the_one_shown(two: list[TrackedRun], store: str):
    register_model(store, two[0].run_id, "prices", description="Nightly, EU.")

    client = MlflowClient(tracking_uri=store, registry_uri=store)
    assert client.get_model_version("prices", "1").description == "Nightly, EU."


def test_every_address_of_a_model_leads_to_the_same_bundle(two: list[TrackedRun], store: str):
    register_model(store, two[0].run_id, "prices", alias="champion")

    addresses = ["models:/prices@champion", "models:/prices/1", f"runs:/{two[0].run_id}/model"]
    folders = {fetch_model(address, store) for address in addresses}

    [folder] = folders
    assert read_bundle(folder).keys() == {"task.json"}
    assert all(is_model_address(address) for address in addresses)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("models:/price@champion", r"no model 'price' is registered\. Those there are: prices\."),
        ("models:/prices@best", r"has no alias 'best'\. Those there are: champion\."),
        ("models:/prices/9", r"has no version 9\. Those there are: 1\."),
        ("models:/prices", r"is not a model's address\. Write models:/NAME@ALIAS"),
        ("models:prices@champion", r"is not a model's address"),
        ("runs:/0123456789abcdef/model", r"0123456789abcdef"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_what_there_is(
    two: list[TrackedRun], store: str, address: str, sentence: str
):
    register_model(store, two[0].run_id, "prices", alias="champion")

    with pytest.raises(TrackingError, match=sentence):
        fetch_model(address, store)


def test_runs_without_a_model_versions_that_are_not_there_and_bad_names_are_refused(two: list[TrackedRun], store: str):
    client = MlflowClient(tracking_uri=store)
    [child, *_] = client.search_runs([two[0].experiment_id], filter_string="tags.kind = 'trial'")

    with pytest.raises(TrackingError, match="has no model"):
        register_model(store, child.info.run_id, "prices")
    with pytest.raises(TrackingError, match="There is no version 3 of a model 'prices'"):
        set_alias(store, "prices", "3")
    with pytest.raises(ConfigError, match=re.escape("'a/b' cannot be the name")):
        register_model(store, two[0].run_id, "a/b")
