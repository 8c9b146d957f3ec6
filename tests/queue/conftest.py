"""Where the queue's tests keep their streams: a directory, or servers of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fastcore.queue import TaskQueueClient

ANSWERS_WITHIN_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unavailable(what: str) -> None:
    """Skip, loudly; where CI is set, fail: there the servers are to be installed."""
    message = f"{what} is not installed: the queue's tests on it did not run"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


class Server:
    """A server process on a free port, with what it stores in a folder."""

    def __init__(self, folder: Path, command: Callable[[int, Path], list[str]]) -> None:
        self.folder = folder
        self.port = free_port()
        self._command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        log = self.folder / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command(self.port, self.folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
            )
        until = time.monotonic() + ANSWERS_WITHIN_S
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.02)
        pytest.fail(f"server did not start: {log.read_text()[-2000:]}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.kill()


def redis_command(port: int, folder: Path) -> list[str]:
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return ["redis-server", *words]


def nats_command(port: int, folder: Path) -> list[str]:
    return ["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / "store")]


COMMANDS = {"redis": ("redis-server", redis_command), "jetstream": ("nats-server", nats_command)}


def start(kind: str, folder: Path, more: Sequence[str] = ()) -> Server:
    program, command = COMMANDS[kind]
    if shutil.which(program) is None:
        unavailable(program)
    folder.mkdir(parents=True, exist_ok=True)
    return Server(folder, lambda port, at: [*command(port, at), *more])


@pytest.fixture(scope="session")
def start_server() -> Callable[..., Server]:
    """Start a server for one test: `start_server(kind, folder, more_arguments)`."""
    return start


class Servers:
    """The servers that tests share, started when the first one asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: dict[str, Server] = {}

    def __getitem__(self, kind: str) -> Server:
        if kind not in self._started:
            self._started[kind] = start(kind, self._folder / kind)
        return self._started[kind]

    def stop(self) -> None:
        for server in self._started.values():
            server.stop()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("servers"))
    yield made
    made.stop()


class Place:
    """A backend to test: makes clients that see the same streams."""

    def __init__(self, kind: str, keywords: dict[str, Any], stream: str) -> None:
        self.kind = kind
        self.keywords = keywords
        self.stream = stream

    def client(self, **more: Any) -> TaskQueueClient:
        return TaskQueueClient(self.kind, **{**self.keywords, **more})


_streams = 0


def keywords_of(kind: str, servers: Servers, folder: Path) -> dict[str, Any]:
    if kind == "wal":
        return {"path": folder / "queue"}
    if kind == "redis":
        return {"redis_url": f"redis://127.0.0.1:{servers[kind].port}/0"}
    return {"nats_url": f"nats://127.0.0.1:{servers[kind].port}"}


@pytest.fixture(params=["wal", "redis", "jetstream"])
def place(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Place:
    global _streams
    _streams += 1
    kind = request.param
    return Place(kind, keywords_of(kind, servers, tmp_path), f"jobs-{_streams}")
