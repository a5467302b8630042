"""Reads every record that a broker takes, whatever its header names: the client's reader stops at one that is not UTF-8.

A broker does not look into header names, so one hostile record would hold its partition up for good: the client raises
in mid-batch, and asks for the same batch again, for ever.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import (
    _DefaultRecordBatchPy,  # pyright: ignore[reportPrivateUsage] - the fast one is closed to extension
    _DefaultRecordPy,  # pyright: ignore[reportPrivateUsage]
)
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

_BEFORE_LENGTH: Final = 8
_BEFORE_BATCH: Final = 12


def read_any_header_name() -> None:
    """From now on this process's consumers read any record; a byte that is no text reads as `\\xff`."""
    fetcher.MemoryRecords = Batches  # pyright: ignore[reportAttributeAccessIssue] - the client has no setting for it


class Batches:
    """What a fetch brought, batch by batch, as the client's fetcher asks for it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._batches: Any = MemoryRecords(data)
        self._taken = 0

    def size_in_bytes(self) -> int:
        return self._batches.size_in_bytes()

    def has_next(self) -> bool:
        return self._batches.has_next()

    def next_batch(self) -> "_Batch":
        batch = _Batch(self._batches.next_batch(), self._data, self._taken)
        self._taken += 1
        return batch


class _Batch:
    """One batch: read fast, and anew with the patient reader when the fast one stops at a name."""

    def __init__(self, batch: Any, data: bytes, number: int) -> None:
        self._batch = batch
        self._data = data
        self._number = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        except UnicodeDecodeError:
            yield from islice(_Patient(self._bytes()), read, None)

    def _bytes(self) -> bytes:
        start = 0
        for _ in range(self._number):
            start += _length(self._data, start)
        return self._data[start : start + _length(self._data, start)]


def _length(data: bytes, start: int) -> int:
    return _BEFORE_BATCH + int.from_bytes(data[start + _BEFORE_LENGTH : start + _BEFORE_BATCH])


class _Patient(_DefaultRecordBatchPy):  # pyright: ignore[reportGeneralTypeIssues] - final for want of a reason to extend it
    """A batch of format v2 (KIP-98), read without minding what header names are."""

    def _read_msg(self, decode_varint: Callable[[bytearray, int], tuple[int, int]] = decode_varint) -> _DefaultRecordPy:
        length, self._pos = decode_varint(self._buffer, self._pos)
        end = self._pos + length
        self._pos += 1  # attributes, unused
        delta = self._number()
        timestamp = self.max_timestamp if self.timestamp_type == self.LOG_APPEND_TIME else self.first_timestamp + delta
        offset = self.base_offset + self._number()
        key, value = self._nullable(), self._nullable()
        headers = [
            ((self._nullable() or b"").decode("utf-8", "backslashreplace"), self._nullable())
            for _ in range(self._number())
        ]
        self._pos = end
        return _DefaultRecordPy(offset, timestamp, self.timestamp_type, key, value, headers)

    def _number(self) -> int:
        value, self._pos = decode_varint(self._buffer, self._pos)
        return value

    def _nullable(self) -> bytes | None:
        length = self._number()
        if length < 0:
            return None
        start, self._pos = self._pos, self._pos + length
        return bytes(self._buffer[start : self._pos])
