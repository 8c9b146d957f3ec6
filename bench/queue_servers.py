"""Servers for the queue's benchmarks, on free loopback ports, and clients of them by hand.

They store where a stranger's would: Redis with its append-only file, NATS with files.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

__all__ = ["Loop", "Servers"]

COMMANDS = {
    "redis": "redis-server --port {port} --bind 127.0.0.1 --dir {folder} --appendonly yes "
    "--save '' --loglevel warning",
    "nats": "nats-server -a 127.0.0.1 -p {port} -js -sd {folder}",
}


class Servers:
    """Started when first asked for; stopped by `stop`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fastcore-bench-")
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports: dict[str, int] = {}

    def port(self, kind: str) -> int | None:
        """The port of a running server; None where it is not installed."""
        if kind in self._ports:
            return self._ports[kind]
        if shutil.which(f"{kind}-server") is None:
            return None
        folder = Path(self._folder.name) / kind
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        command = COMMANDS[kind].format(port=port, folder=folder)
        self._processes.append(
            subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                self._ports[kind] = port
                return port
            time.sleep(0.05)
        raise RuntimeError(f"{kind}-server did not start")

    def folder(self, name: str) -> Path:
        """A folder on the disk that the servers store on."""
        return Path(self._folder.name) / name

    def stop(self) -> None:
        """Stop them and remove what they stored."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._folder.cleanup()


class Loop:
    """An event loop that lives from one round to the next, so that connections do."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what `work` returns."""
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """Close it."""
        self._loop.close()
