"""Avro containers read within bounds, whatever they claim to hold."""

__all__ = ("BLOCK_LIMIT", "Block", "is_container", "read_container")

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from ..messages import cause_of
from ._avro_schema import AvroError, AvroSchema, RecordBytes
from ._decompress import DecompressionError, decompress

BLOCK_LIMIT: Final = 2**26
"""Bytes that a block may have, compressed or not. One alert is in it, or some:
those of Rubin have a few hundred kB."""

_HEADER_LIMIT: Final = 2**24
_MAGIC: Final = b"Obj\x01"
_SYNC_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Block:
    """What a container has between two marks."""

    records: list[Mapping[str, Any]]
    """Those that could be read."""
    problem: str | None = None
    """Why there are no more of them; `None` when that is all."""


def is_container(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is an Avro container."""
    return start[: len(_MAGIC)] == _MAGIC


def read_container(stream: IO[bytes]) -> tuple[AvroSchema, Iterator[Block]]:
    """Read an Avro container.

    Returns ``schema``: how its records are written; ``blocks``: its records. After a block that is damaged
    the next mark is searched for. Raises `AvroError` when its header is not that of a container of records.
    """
    _read_exactly(stream, len(_MAGIC))
    header: dict[str, bytes] = {}
    while count := _read_long(stream):
        if count < 0:
            count, _ = -count, _read_long(stream)
        for _ in range(count):
            name = _read_sized(stream).decode(errors="replace")
            header[name] = _read_sized(stream)
    mark = _read_exactly(stream, _SYNC_BYTES)
    try:
        schema = AvroSchema(json.loads(header["avro.schema"]))
    except (KeyError, ValueError, RecursionError) as error:
        raise AvroError(f"it has no schema ({cause_of(error)})") from error
    return schema, _blocks(stream, schema, header.get("avro.codec", b"null").decode(errors="replace"), mark)


def _blocks(stream: IO[bytes], schema: AvroSchema, codec: str, mark: bytes) -> Iterator[Block]:
    source = _Source(stream)
    while source.begin():
        try:
            count, size = _read_long(source), _read_long(source)
            if not 0 <= size <= BLOCK_LIMIT:
                raise AvroError(f"a block of {size} bytes is too large")
            content = _read_exactly(source, size)
            if _read_exactly(source, _SYNC_BYTES) != mark:
                raise AvroError("a block does not end with the mark of the file")
        except AvroError as error:
            yield Block([], str(error))
            if not source.find(mark):
                return
            continue
        yield _read_block(schema, codec, content, count)


class _Source:
    """A stream that can go back to where its present block began."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ahead = b""
        self._taken: list[bytes] = []

    def begin(self) -> bool:
        """Begin a block; return whether there is another one."""
        self._taken = []
        self._ahead = self._ahead or self._stream.read(1)
        return self._ahead != b""

    def read(self, size: int) -> bytes:
        found, self._ahead = self._ahead[:size], self._ahead[size:]
        if len(found) < size:
            found += self._stream.read(size - len(found))
        self._taken.append(found)
        return found

    def find(self, mark: bytes) -> bool:
        """Go behind the next mark after the beginning of the block, if there is one."""
        window = b"".join(self._taken) + self._ahead
        while (place := window.find(mark)) < 0:
            if not (chunk := self._stream.read(2**16)):
                return False
            window = window[-len(mark) :] + chunk
        self._ahead = window[place + len(mark) :]
        return True


def _read_block(schema: AvroSchema, codec: str, content: bytes, count: int) -> Block:
    records: list[Mapping[str, Any]] = []
    try:
        data = decompress(codec, content, BLOCK_LIMIT)
        if not 0 <= count <= len(data):  # no record is empty
            raise AvroError(f"a block of {len(data)} bytes cannot have {count} records")
        stream = RecordBytes(data)
        while len(records) < count:
            records.append(schema.read(stream))
        if stream.tell() != len(data):
            raise AvroError("a block has more bytes than its records")
    except (AvroError, DecompressionError) as error:
        return Block(records, str(error))
    except Exception as error:  # fastavro raises whatever damaged bytes lead to
        return Block(records, cause_of(error))
    return Block(records)


def _read_exactly(stream: "IO[bytes] | _Source", size: int) -> bytes:
    """Return a number of bytes; raise `AvroError` when there are fewer."""
    found = stream.read(size)
    if len(found) < size:
        raise AvroError("it is cut off")
    return found


def _read_long(stream: "IO[bytes] | _Source") -> int:
    """Return an integer in zig-zag notation, of at most 64 bits."""
    value = 0
    for place in range(10):
        (byte,) = _read_exactly(stream, 1)
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1)
    raise AvroError("a number in it has no end")


def _read_sized(stream: "IO[bytes] | _Source") -> bytes:
    if not 0 <= (size := _read_long(stream)) <= _HEADER_LIMIT:
        raise AvroError(f"its header has a value of {size} bytes")
    return _read_exactly(stream, size)
