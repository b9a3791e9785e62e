"""Real tracking servers, and a gate before one that loses, refuses, hangs or fails on purpose."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MlflowServer:
    """A real ``mlflow server`` on loopback.

    Parameters
    ----------
    store : str
        Its backend: the URI of a database.
    folder : Path
        For artifacts and the log.
    """

    def __init__(self, store: str, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.store, self.folder, self.options = store, folder, options
        self.environment = environment or {}
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "MlflowServer":
        """Start it, and wait until it answers."""
        command = [
            *(sys.executable, "-P", "-m", "mlflow", "server", "--backend-store-uri", self.store, "--workers", "1"),
            *("--artifacts-destination", str(self.folder / "artifacts"), "--host", "127.0.0.1"),
            *("--port", str(self.port), *self.options),
        ]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **self.environment}
        with (self.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=self.folder
            )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"The server did not start:\n{(self.folder / 'server.log').read_text()}")

    def stop(self) -> None:
        """Kill it and its workers."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self, paused: bool = True) -> None:
        """Let it hang: connections are accepted by the system, and nobody answers; or go on."""
        os.killpg(self._process.pid, signal.SIGSTOP if paused else signal.SIGCONT)


class Gate:
    """A proxy that lets so many requests through, and then does what ``trouble`` says.

    ``refuse`` closes the connection; ``500`` answers that; ``hang`` never answers; ``lose`` lets the server do what
    it is asked and closes the connection instead of answering. After ``lasting`` such requests all is well again.
    """

    def __init__(self, behind: str | None = None, *, trouble: str = "500", after: int = 0) -> None:
        self.behind, self.trouble, self.left, self.requests = behind, trouble, after, 0
        self.lasting = 10**9
        self.ended = threading.Event()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                gate.requests += 1
                gate.left -= 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if gate.left >= 0 or gate.left < -gate.lasting:
                    self.reply(*gate.forward(self.command, self.path, self.headers, body))
                elif gate.trouble == "hang":
                    gate.ended.wait()
                elif gate.trouble == "500":
                    self.reply(500, b"trouble", [])
                elif gate.trouble == "lose":
                    gate.forward(self.command, self.path, self.headers, body)
                self.close_connection = gate.left < 0  # a fresh one may do better

            def reply(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def forward(self, method: str, path: str, headers: object, body: bytes) -> tuple[int, bytes, list]:
        """Ask the server behind, and return its answer."""
        connection = http.client.HTTPConnection(self.behind.removeprefix("http://"), timeout=60)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection")}
            connection.request(method, path, body, kept)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheaders()
        finally:
            connection.close()

    def open(self, after: int = 10**9, trouble: str | None = None, lasting: int = 10**9) -> None:
        """Let requests through again."""
        self.left, self.trouble, self.lasting = after, trouble or self.trouble, lasting

    def close(self) -> None:
        """End it, and what hangs."""
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def postgres(user: str = "postgres") -> Iterator[str]:
    """Yield the URI of an empty PostgreSQL database that runs until the block ends.

    Raises
    ------
    RuntimeError
        If that is impossible here: why.
    """
    if not (shutil.which("initdb") and shutil.which("pg_ctl")):
        raise RuntimeError("initdb and pg_ctl are not installed")
    become = ["runuser", "-u", user, "--"] if os.getuid() == 0 else []
    if become and subprocess.run([*become, "true"], capture_output=True, check=False).returncode != 0:
        raise RuntimeError(f"PostgreSQL does not run as root, and there is no user {user}")
    folder, port = Path(tempfile.mkdtemp(prefix="forecastr-pg-")), free_port()
    if become:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        # A server that inherits the pipe would keep it open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run([*become, *command], stdout=output, stderr=output, cwd="/", check=False)
            output.seek(0)
            if done.returncode != 0:
                raise RuntimeError(f"{command[0]}: {output.read().decode()}")

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
