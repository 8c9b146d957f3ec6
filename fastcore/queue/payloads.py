"""What a program publishes, as a list of bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastcore._native.queue import column_bytes

if TYPE_CHECKING:
    import numpy
    from typing_extensions import Buffer

__all__ = ["as_payload", "as_payloads"]


def as_payload(given: Buffer, name: str = "payload") -> bytes:
    """Return the bytes of one message."""
    if type(given) is bytes:
        return given
    try:
        return memoryview(given).tobytes()
    except TypeError:
        raise TypeError(f"{name} must be bytes-like, not {type(given).__name__}") from None


def as_payloads(given: Iterable[Buffer]) -> list[bytes]:
    """Return the bytes of each message."""
    if isinstance(given, str | bytes | bytearray | memoryview):
        raise TypeError(
            f"payloads must be an iterable of bytes-like objects, not {type(given).__name__}; "
            f"publish() takes a single one"
        )
    if not isinstance(given, list | tuple):
        if hasattr(given, "__arrow_c_array__") or hasattr(given, "__arrow_c_stream__"):
            return column_bytes(given)
        if hasattr(given, "__array_interface__"):
            return _of_array(given)
    batch: list[Any] = list(given)
    if set(map(type, batch)) <= {bytes}:
        return batch
    return [as_payload(each, f"payloads[{index}]") for index, each in enumerate(batch)]


def _of_array(given: Any) -> list[bytes]:
    """A message for each element of an array of bytes or objects, or for each row of numbers."""
    import numpy

    array: numpy.ndarray[Any, Any] = numpy.asarray(given)
    if array.dtype.kind in "SO" and array.ndim == 1:
        return as_payloads(array.tolist())
    if array.dtype.kind in "biufV" and array.ndim >= 1:
        rows = numpy.ascontiguousarray(array)
        size = rows.nbytes // max(len(rows), 1)
        data = rows.tobytes()
        return [data[at : at + size] for at in range(0, len(data), size)] if size else []
    raise TypeError(
        f"payloads must be a one-dimensional array of bytes or objects, or an array of numbers "
        f"with a message in each row, not {array.ndim}-dimensional of {array.dtype}"
    )
