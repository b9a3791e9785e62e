"""What schedulers are given calls the command, and is of the form that each of them takes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCHEDULE = ROOT / "pipelines" / "schedule"
COMMAND = "forecastr run pipelines/"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_units(tmp_path):
    for kind in ("service", "timer"):
        text = (SCHEDULE / f"forecastr@.{kind}").read_text()
        assert kind == "timer" or COMMAND in text
        text = text.replace("/srv/forecastr/.venv/bin/forecastr", "/bin/true")
        (tmp_path / f"forecastr@prices.{kind}").write_text(text)

    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "forecastr@" in line]
    when = subprocess.run(["systemd-analyze", "calendar", "*-*-* 02:15:00"], capture_output=True, check=False)
    assert when.returncode == 0


def test_the_crontab_line_has_five_fields_and_the_command():
    [line] = [line for line in (SCHEDULE / "crontab").read_text().splitlines() if not line.startswith("#")]

    assert line.split()[:5] == ["15", "2", "*", "*", "*"]
    assert "cd /srv/forecastr && " in line
    assert COMMAND in line
    assert "%" not in line  # which cron takes for a new line


def test_the_cronjob_has_the_parts_that_kubernetes_asks_for():
    job = yaml.safe_load((SCHEDULE / "cronjob.yaml").read_text())

    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    assert len(job["spec"]["schedule"].split()) == 5
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    inner = job["spec"]["jobTemplate"]["spec"]
    pod = inner["template"]["spec"]
    assert pod["restartPolicy"] == "Never"  # which a podFailurePolicy needs
    [rule] = inner["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [2, 4, 5]
    [container] = pod["containers"]
    assert " ".join(container["command"]).startswith(COMMAND)
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("name", ["airflow_dag.py", "prefect_flow.py"])
def test_dag_and_flow_compile_and_call_the_command(name):
    text = (SCHEDULE / name).read_text()

    compile(text, name, "exec")
    assert ".venv/bin/forecastr" in text
    assert "run" in text
    assert "pipelines/prices.yaml" in text


def test_mlflow_makes_the_command_of_the_project():
    from mlflow.projects.utils import load_project

    project = load_project(str(ROOT))
    night = project.get_entry_point("night").compute_command({"as_of": "2019-01-03"}, None)

    assert night == "forecastr run pipelines/prices.yaml --as-of 2019-01-03"
    assert (ROOT / "pipelines" / "prices.yaml").exists()


@pytest.mark.slow
def test_mlflow_runs_a_night_and_a_fit_of_the_project(desk, command_environment):
    environment = {
        **command_environment, "MLFLOW_TRACKING_URI": f"sqlite:///{desk.folder}/projects.db",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip

    def run(entry_point: str, **parameters: object) -> None:
        given = [part for name, value in parameters.items() for part in ("-P", f"{name}={value}")]
        command = [sys.executable, "-P", "-m", "mlflow", "run", str(ROOT), "-e", entry_point, "--env-manager", "local"]
        done = subprocess.run(
            [*command, *given], cwd=desk.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    run("night", pipeline=desk.file, as_of="1988-09-08")
    assert pd.read_csv(desk.forecast)["as_of"].unique().tolist() == ["1988-09-08"]
    run("fit", data=desk.table, output=desk.folder / "fitted", time_limit="20s")
    assert (desk.folder / "fitted" / "forecast.csv").exists()


def test_the_server_script_and_the_compose_file_are_sound(tmp_path):
    script = ROOT / "mlflow" / "server.sh"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert os.access(script, os.X_OK)
    unset = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    done = subprocess.run(["bash", str(script)], env=unset, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "MLFLOW_DATABASE: names the database" in done.stderr

    services = yaml.safe_load((ROOT / "mlflow" / "compose.yaml").read_text())["services"]
    assert services["server"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert all("healthcheck" in service for service in services.values())
    assert all(port.startswith("127.0.0.1:") for port in services["server"]["ports"])
