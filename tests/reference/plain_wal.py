"""A reader of logs in plain Python, written from docs/format/wal.md alone."""

import struct
from collections.abc import Iterator
from pathlib import Path

HEADER = struct.Struct("<8sIIQQQQQqI")
FRAME = struct.Struct("<qIII")
PAGE = 4096

TABLE = list(range(256))
for _ in range(8):
    TABLE = [(value >> 1) ^ (0x82F63B78 if value & 1 else 0) for value in TABLE]


def crc32c(data: bytes, crc: int = 0) -> int:
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def read_header(page: bytes, number: int) -> dict[str, int] | None:
    """The fields of either copy that verifies, else None."""
    for at in (0, 2048):
        fields = page[at : at + HEADER.size]
        if page[at + HEADER.size :][:4] != struct.pack("<I", crc32c(fields)):
            continue
        magic, version, _, got, base, salt, before, *_ = HEADER.unpack(fields)
        if magic == b"FCWAL\r\n\x1a" and version == 1 and got == number:
            return {"base": base, "salt": salt, "before": before}
    return None


class PlainLog:
    """The records and marks of a log that nobody writes to."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.marks: dict[str, tuple[int, bytes]] = {}
        self.ring = self._bytes("ring.bin")
        self.records = list(self._read())

    def _read(self) -> Iterator[tuple[int, int, bytes]]:
        number = min(int(path.stem[4:]) for path in self.directory.glob("wal_*.bin"))
        data = self._bytes(f"wal_{number:06}.bin")
        header = read_header(data[:PAGE], number)
        assert header is not None
        seq, salt, header_salt, at = header["base"], header["salt"], header["salt"], PAGE
        while True:
            frame = self._frame(data, at, seq, salt)
            frame = frame or self._frame(self._in_ring(number, at), 0, seq, salt)
            if frame is not None:
                timestamp, control, payload = frame
                if not control:
                    yield seq, timestamp, payload
                    seq += 1
                elif payload[0] == 1:
                    check, _, new_salt = struct.unpack_from("<IQQ", payload, 4)
                    keyed = struct.pack("<QQ", header_salt, at) + payload[:4] + payload[8:24]
                    salt = new_salt if crc32c(keyed) == check else salt
                elif payload[0] == 2:
                    self._mark(payload)
                elif payload[0] == 3:
                    seq += int.from_bytes(payload[1:4], "little")
                at += (20 + len(payload) + 7) & ~7
                continue
            data = self._bytes(f"wal_{number + 1:06}.bin")
            header = read_header(data[:PAGE], number + 1)
            header = header or read_header(self._in_ring(number + 1, 0)[:PAGE], number + 1)
            if header is None or header["base"] != seq or header["before"] != salt:
                return
            number, salt, header_salt, at = number + 1, header["salt"], header["salt"], PAGE

    def _frame(self, data: bytes, at: int, seq: int, salt: int) -> tuple[int, int, bytes] | None:
        if at + 24 > len(data):
            return None
        timestamp, low, length, crc = FRAME.unpack_from(data, at)
        payload = data[at + 20 : at + 20 + (length & 0x7FFFFFFF)]
        if low != seq & 0xFFFFFFFF or len(payload) != length & 0x7FFFFFFF:
            return None
        if crc32c(struct.pack("<Q", salt) + data[at : at + 16] + payload) != crc:
            return None
        return timestamp, length >> 31, payload

    def _mark(self, payload: bytes) -> None:
        _, name_bytes, removed, _, seq = struct.unpack_from("<BBBBQ", payload)
        name = payload[12 : 12 + name_bytes].decode()
        self.marks.pop(name, None)
        if not removed:
            self.marks[name] = (seq, payload[12 + name_bytes :])

    def _bytes(self, name: str) -> bytes:
        path = self.directory / name
        return path.read_bytes() if path.exists() else b""

    def _in_ring(self, number: int, at: int) -> bytes:
        if not self.ring:
            return b""
        ring_bytes, segment_bytes = struct.unpack_from("<QQ", self.ring, 16)
        start = PAGE + (number * ((segment_bytes + 7 & ~7) + 8) + at) % ring_bytes
        return self.ring[start:] + self.ring[PAGE:start]
