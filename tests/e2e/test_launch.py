"""Commands of ./launch.sh."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from tests.support.page.forms import token_in
from tests.support.repository import ROOT
from tests.support.systems.launched import Launched
from tests.support.systems.uploads import PHOTO
from tests.support.waiting import wait_until

SEND_A_KEY = """printf 'Authorization: Bearer %s\\n' "$(cat shop.key)" > shop.header
curl -H @shop.header --data-binary @examples/banana.jpg http://localhost:8000/api/v1/classify"""


def test_status_of_a_healthy_system(verger: Launched) -> None:
    status = verger.launch("--status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "Everything is healthy" in status.stdout


def test_a_second_start_says_that_verger_is_already_running(verger: Launched) -> None:
    again = verger.launch("--detach")
    assert again.returncode == 0
    assert "already running" in again.stdout
    assert f"http://localhost:{verger.ports['VERGER_WEB_PORT']}" in again.stdout
    assert "open to      other machines, too: the page on 0.0.0.0" in again.stdout


def test_a_running_system_is_not_taken_for_one_with_another_model(verger: Launched, tmp_path: Path) -> None:
    other = Launched(verger.home, verger.ports, {"VERGER_MODEL_NAME": "flowers"})
    for arguments in (["--detach"], ["--train", str(tmp_path)]):
        refused = other.launch(*arguments, cwd=tmp_path)
        assert refused.returncode == 1
        assert "serves fruit-classifier, not flowers. Stop it first: " in refused.stderr
        assert refused.stderr.endswith(f"{ROOT}/launch.sh --stop\n")


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: /proc/net")
def test_only_the_page_is_open_to_other_machines(verger: Launched) -> None:
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()
        if line.split()[3] == "0A"  # the state LISTEN
    ]
    open_ports = {int(port, 16) for address, port in (pair.split(":") for pair in listening) if not int(address, 16)}
    local_ports = {int(port, 16) for address, port in (pair.split(":") for pair in listening) if int(address, 16)}
    assert open_ports & set(verger.ports.values()) == {verger.ports["VERGER_WEB_PORT"]}
    assert set(verger.ports.values()) - local_ports == {verger.ports["VERGER_WEB_PORT"]}


def test_only_the_owner_can_read_the_data_and_control_the_programs(verger: Launched) -> None:
    control = Path((verger.home / "run" / "socket").read_text())
    assert stat.S_ISSOCK(control.stat().st_mode)
    for path in (verger.home, control.parent, control):
        assert path.stat().st_mode & 0o077 == 0, path
    kept = [path for folder in ("mlflow", "collection") for path in (verger.home / folder).rglob("*")]
    loose = [path for path in kept if path.lstat().st_mode & 0o077]
    loose += [path for path in (verger.home / "logs").iterdir() if path.lstat().st_mode & 0o077]
    assert loose == []


def test_the_logs_of_the_services_are_json(verger: Launched) -> None:
    for service in ("web", "preprocess", "inference", "collection"):
        lines = (verger.home / "logs" / f"{service}.log").read_text().splitlines()
        assert lines
        assert {json.loads(line)["service"] for line in lines} == {service}


def test_no_program_reports_its_use(verger: Launched) -> None:
    if not Path("/proc").is_dir():
        pytest.skip("needs Linux: /proc/PID/environ")
    for program in ("mlflow server", "services.web", "services.preprocess", "services.inference"):
        for pid in verger.pids(program):
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            assert {b"MLFLOW_DISABLE_TELEMETRY=true", b"ORT_DISABLE_TELEMETRY=1"} <= set(variables)


def test_keys_are_made_listed_rotated_and_revoked(verger: Launched, tmp_path: Path) -> None:
    made = verger.launch("--access", "make", "--name", "shop", "--owner", "anna", "--scope", "classify")
    assert "nobody is asked for a key" in made.stderr
    (key,) = made.stdout.splitlines()
    old = key.split("_")[1]
    rotated = verger.launch("--access", "rotate", old, "--overlap", "7d")
    new = rotated.stdout.split("_")[1]
    assert verger.launch("--access", "revoke", old).returncode == 0
    rows = {row.split()[0]: row for row in verger.launch("--access", "list").stdout.splitlines()}
    assert re.search("shop +anna +revoked", rows[old])
    assert re.search("shop +anna +live", rows[new])
    done = [
        re.split("  +", row)[2:4] for row in verger.launch("--access", "log", "--since", "7d").stdout.splitlines()[1:]
    ]
    of_keys = [row for row in done if row[0].startswith("key")]
    assert of_keys == [["key made", old], ["key rotated", old], ["key made", new], ["key revoked", old]]
    (tmp_path / "shop.key").write_text(rotated.stdout)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    recipe = SEND_A_KEY.replace("http://localhost:8000", verger.web)
    sent = subprocess.run(["bash", "-c", recipe], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "verdict" in sent.stdout, sent.stderr


def test_mlflow_has_a_lower_priority_than_web(verger: Launched) -> None:
    (mlflow,) = verger.pids("mlflow server")
    web = verger.serving_web()
    first = os.getpriority(os.PRIO_PROCESS, web)
    wait_until(lambda: os.getpriority(os.PRIO_PROCESS, mlflow) == first + 10, what="the lower priority of MLflow")


def second_system(verger: Launched, home: Path) -> Launched:
    """Returns another system that shares the environment of the first one, whose installation takes minutes."""
    home.mkdir()
    (home / "env").symlink_to(verger.home / "env")
    return Launched(home)


def test_a_port_in_use_is_named_with_its_setting(verger: Launched, tmp_path: Path) -> None:
    system = second_system(verger, tmp_path / "home")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", system.ports["VERGER_PREPROCESS_PORT"]))
        holder.listen()
        refused = system.launch("--detach")
    port = system.ports["VERGER_PREPROCESS_PORT"]
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"verger: port {port} is in use")
    assert "VERGER_PREPROCESS_PORT=" in refused.stderr


def test_a_page_on_the_network_needs_a_key_first_and_a_link_signs_in(verger: Launched, tmp_path: Path) -> None:
    system = second_system(verger, tmp_path / "home")
    system.settings["VERGER_BIND_ADDRESS"] = "0.0.0.0"
    refused = system.launch("--detach")
    assert refused.returncode == 1
    assert refused.stdout == ""
    command = f"{ROOT}/launch.sh --access make --name admin --owner YOU --scope admin > admin.key"
    assert command in refused.stderr
    done = subprocess.run(
        ["bash", "-euc", f"umask 077; {command}"], cwd=tmp_path, env=system.environment, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "admin.key").stat().st_mode) == 0o600
    started = system.launch("--detach")
    try:
        assert started.returncode == 0, started.stderr
        assert f"who has a key; {ROOT}/launch.sh --access link" in started.stdout
        assert httpx.post(f"{system.web}/api/v1/classify", content=PHOTO, timeout=30).status_code == 401
        page, token = system.launch("--access", "link").stdout.strip().split("/sign-in#")
        assert page == system.web.replace("127.0.0.1", "localhost")
        with httpx.Client(base_url=system.web, timeout=30) as client:
            form = {"csrf": token_in(client.get("/sign-in")), "key": token}
            assert client.post("/sign-in", data=form).status_code == 303
            assert client.get("/audit").status_code == 200
        with grpc.insecure_channel(system.preprocess) as channel:  # which this machine alone reaches
            stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
            assert stub.Classify(classifier_pb2.ClassifyRequest(image=PHOTO), timeout=30).classification.predictions
    finally:
        system.launch("--stop")


def test_a_wrong_setting_is_the_only_thing_that_is_said(verger: Launched, tmp_path: Path) -> None:
    system = second_system(verger, tmp_path / "home")
    system.settings["VERGER_DRAIN_SECONDS"] = "-1"
    refused = system.launch("--detach")
    assert refused.returncode == 1
    assert refused.stderr == "verger: VERGER_DRAIN_SECONDS=-1: Input should be greater than or equal to 0.\n"
    assert refused.stdout == ""


def test_ctrl_c_stops_verger(verger: Launched, tmp_path: Path) -> None:
    system = second_system(verger, tmp_path / "home")
    with subprocess.Popen(
        [str(ROOT / "launch.sh")], env=system.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        told = []
        for line in process.stdout:
            told.append(line)
            if "What is written into" in line:
                break
        assert f"http://localhost:{system.ports['VERGER_WEB_PORT']}" in "".join(told[-9:])
        assert "Ctrl-C stops Verger.\n" in told
        assert any("MLflow, collection, inference" in line for line in told)
        assert system.pids("services.web")
        assert system.answer(PHOTO)["predictions"][0]["label"] == "banana"
        shown = next(line for line in process.stdout if "/api/v1/classify" in line)
        assert "{" not in shown
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        assert process.wait(timeout=60) == 0
    wait_until(lambda: not system.pids(""), what="the end of all processes")
    assert system.launch("--status").returncode == 1


@pytest.mark.parametrize("arguments", [["--unknown"], ["--train"]])
def test_wrong_arguments_print_the_usage(verger: Launched, arguments: list[str]) -> None:
    refused = verger.launch(*arguments)
    assert refused.returncode == 2
    assert "usage:" in refused.stderr
