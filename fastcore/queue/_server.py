"""The process that has the directory answers the other processes of the machine.

It does so in a thread of its own, so that a handler that computes for long
does not hold up the others. Frames are described in _frames.py. A request has a
number, and gets ``["done", number, result]`` or ``["error", number, class, text]``;
number 0 wants no answer. What a subscription receives comes as ``["deliver", ...]``.

    ["publish", number, stream, ids, headers] payloads...     -> packed sequence numbers
    ["settle", number, stream, group, packed]
    ["give_back", number, stream, group, packed, delay, uncount]
    ["renew", number, stream, group, packed, ack_wait]
    ["bury", number, stream, group, packed, reason]
    ["pending", number, stream, group]                        -> lag, in flight, oldest
    ["subscribe", 0, subscription, stream, group, ack_wait, max_deliver]
    ["request", 0, subscription, limit, packed]
    ["leave", 0, subscription]
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from typing import Any

from fastcore import wal
from fastcore.queue._frames import FrameReader, encode_frame
from fastcore.queue._journal import pack, unpack
from fastcore.queue._local import Poller
from fastcore.queue._store import Delivered, Store

__all__ = ["Server", "socket_address"]

log = logging.getLogger("fastcore.queue")

SOCKET_PATH_BYTES_MAX = 100
SNAPSHOT_LOOK_S = 1.0


@contextlib.contextmanager
def socket_address(path: str) -> Any:
    """Give a name for the directory's socket that is short enough to bind or connect to."""
    full = os.path.join(path, "socket")
    if len(os.fsencode(full)) <= SOCKET_PATH_BYTES_MAX:
        yield full
        return
    # Linux: by way of an open directory, whose name here is short.
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/socket"
    finally:
        os.close(folder)


class Server:
    """A thread that serves one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._listening = _listen(store.path)
        self._loop = asyncio.new_event_loop()
        self._connections: set[_Connection] = set()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fastcore-queue", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        loop = self._loop
        server = await loop.create_unix_server(
            lambda: _Connection(self.store, self._connections), sock=self._listening
        )
        stopping = loop.create_task(self._stopping.wait())
        while not self._stopping.is_set():
            await asyncio.wait([stopping], timeout=SNAPSHOT_LOOK_S)
            try:
                self.store.snapshot()
            except Exception:
                log.exception("writing down the groups' state; the journal still has it all")
        server.close()
        # Who hears that this process has left must find the directory free.
        self.store.close()
        for connection in list(self._connections):
            connection.close()
        while self._connections:
            await asyncio.sleep(0.001)

    def stop(self) -> None:
        """Give the directory back; returns when it is free."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.store.path, "socket"))
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()


def _listen(path: str) -> socket.socket:
    full = os.path.join(path, "socket")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(full)  # of a process that died; the lock says it is not in use
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with socket_address(path) as address:
            listening.bind(address)
        listening.listen(128)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


class _Connection(asyncio.Protocol):
    """Another process."""

    def __init__(self, store: Store, connections: set[_Connection]) -> None:
        self._store = store
        self._connections = connections
        self._frames = FrameReader()
        self._pollers: dict[int, Poller] = {}
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None
        for poller in self._pollers.values():
            poller.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            for fields, blobs in self._frames.feed(data):
                self._answer(fields, blobs)
        except ValueError as error:
            log.warning("closing a connection: %s", error)
            self.close()

    def _answer(self, fields: list[Any], blobs: list[bytes]) -> None:
        kind, number, *details = fields
        try:
            result = getattr(self, f"_do_{kind}")(*details, *([blobs] if blobs else []))
        except (wal.ClosedError, AttributeError, TypeError) as error:
            # The directory is being given back, or this is not one of us.
            log.debug("dropping a connection: %r", error)
            self.close()
        except Exception as error:
            self._send(("error", number, type(error).__name__, str(error)))
        else:
            if isinstance(result, _Later):
                task = asyncio.get_running_loop().create_task(self._commit(number, result))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            elif number:
                self._send(("done", number, result))

    async def _commit(self, number: int, later: _Later) -> None:
        try:
            await asyncio.to_thread(self._store.commit, later.stream)
        except Exception as error:
            self._send(("error", number, type(error).__name__, str(error)))
        else:
            self._send(("done", number, later.result))

    def _send(self, fields: Any, blobs: list[bytes] | tuple[()] = ()) -> None:
        if self._transport is not None:
            self._transport.write(encode_frame(fields, blobs))

    # ---- the requests

    def _do_publish(
        self, stream: str, ids: Any, headers: Any, payloads: list[bytes]
    ) -> list[int] | _Later:
        result = pack(self._store.publish(stream, payloads, ids, headers))
        return _Later(stream, result) if self._store.durability == "sync" else result

    def _do_settle(self, stream: str, group: str, packed: list[int]) -> None:
        self._store.settle(stream, group, unpack(packed))

    def _do_give_back(
        self, stream: str, group: str, packed: list[int], delay: float, uncount: bool
    ) -> None:
        self._store.give_back(stream, group, unpack(packed), delay, uncount=uncount)

    def _do_renew(self, stream: str, group: str, packed: list[int], ack_wait: float) -> None:
        self._store.renew(stream, group, unpack(packed), ack_wait)

    def _do_bury(self, stream: str, group: str, packed: list[int], reason: str) -> None:
        self._store.bury(stream, group, unpack(packed), reason)

    def _do_pending(self, stream: str, group: str) -> tuple[int, int, int | None]:
        return self._store.pending(stream, group)

    def _do_subscribe(
        self, subscription: int, stream: str, group: str, ack_wait: float, max_deliver: int
    ) -> None:
        def deliver(found: Delivered) -> None:
            fields = (pack(found.seqs), found.timestamps, found.headers, found.deliveries)
            self._send(("deliver", subscription, *fields), found.payloads)

        def fail(error: Exception) -> None:
            if isinstance(error, wal.ClosedError):
                self.close()
            else:
                self._send(("failed", subscription, type(error).__name__, str(error)))

        self._pollers[subscription] = Poller(
            self._store, stream, group, ack_wait, max_deliver, deliver, fail
        )

    def _do_request(self, subscription: int, limit: int, packed: list[int]) -> None:
        self._pollers[subscription].request(limit, unpack(packed))

    def _do_leave(self, subscription: int) -> None:
        self._pollers.pop(subscription).close()


class _Later:
    """A result that is sent when `stream` is on stable storage."""

    def __init__(self, stream: str, result: list[int]) -> None:
        self.stream = stream
        self.result = result
