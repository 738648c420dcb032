"""Alert packets out of the files that hold them."""

__all__ = ("Packet", "read_packets")

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, cast

from ..domain import CutoutsError
from ..messages import cause_of, install_line
from ._avro import BLOCK_LIMIT, is_container, read_container
from ._avro_schema import AvroError, AvroSchema, read_one

_FRAME_BYTES: Final = 5
_TAR_SUFFIXES: Final = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True, slots=True)
class Packet:
    """One alert, or the place of one that cannot be read."""

    place: str
    """Which of the alerts of which file it is."""
    schema: AvroSchema | None
    """How it was written."""
    alert: Mapping[str, Any]
    """Its simple fields, and records of such."""
    problem: str | None = None
    """Why it cannot be read."""


def read_packets(path: str | Path) -> Iterator[Packet]:
    """Yield the alerts of a file.

    ``path``: an Avro container of any number of alerts, which holds its schema; or a single packet in
    Confluent's wire format: a zero, the identifier of its schema in 4 bytes, and the alert. It may be
    compressed with gzip, and a tar archive may hold several. Yields: an alert. Of a part that is damaged
    there is one that says so. Raises `CutoutsError` when the file is none of these.
    """
    try:
        import fastavro  # noqa: F401
    except ImportError as error:
        raise CutoutsError(f"Reading alerts needs fastavro: {install_line('alerts')}") from error
    try:
        with open(path, "rb") as file:
            stream = _decompressed(file)
            if str(path).lower().endswith(_TAR_SUFFIXES):
                yield from _read_archive(str(path), stream)
            else:
                yield from _read_stream(str(path), stream)
    except CutoutsError as error:
        raise CutoutsError(f"Alert file {path}: {error}") from error
    except (AvroError, OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise CutoutsError(f"Alert file {path} cannot be read: {cause_of(error)}") from error


class _Stream:
    """A file that gives at most as many bytes at a time as a block may have.

    A number in a file can ask for any amount, for which memory would be
    taken before it turns out that there is not so much.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= BLOCK_LIMIT:
            raise AvroError(f"{size} bytes are asked for at once")
        return self._file.read(size)


def _decompressed(file: IO[bytes]) -> _Stream:
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return _Stream(cast(IO[bytes], gzip.GzipFile(fileobj=file)) if compressed else file)


def _read_archive(name: str, stream: _Stream) -> Iterator[Packet]:
    with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)) is not None:
                place = f"{member.name} in {name}"
                try:
                    yield from _read_stream(place, _decompressed(file))
                except (AvroError, CutoutsError, EOFError, zlib.error, gzip.BadGzipFile) as error:
                    yield Packet(place, None, {}, str(error))


def _read_stream(name: str, stream: _Stream) -> Iterator[Packet]:
    start = stream.read(_FRAME_BYTES)
    stream.seek(0)
    if is_container(start):
        yield from _read_container(name, stream)
    elif start[:1] == b"\x00" and len(start) == _FRAME_BYTES:
        content = stream.read(BLOCK_LIMIT)[_FRAME_BYTES:]
        schema, alert = _read_frame(int.from_bytes(start[1:], "big"), content)
        yield Packet(name, schema, alert)
    else:
        raise AvroError("it is neither an Avro container nor a packet in Confluent's wire format")


def _read_container(name: str, stream: _Stream) -> Iterator[Packet]:
    schema, blocks = read_container(cast(IO[bytes], stream))
    number = 0
    for block in blocks:
        for record in block.records:
            number += 1
            yield Packet(f"alert {number} of {name}", schema, record)
        if block.problem is not None:
            number += 1
            yield Packet(f"alert {number} of {name}", schema, {}, block.problem)


def _read_frame(schema_id: int, content: bytes) -> tuple[AvroSchema, Mapping[str, Any]]:
    """Return the alert of a packet that does not hold its schema."""
    known = _versions()
    # Rubin registers schema 7.4 as 704. A test stream may number them in its
    # own way; then the one is right that uses up every byte and makes sense.
    version = divmod(schema_id, 100)
    for candidate in [version] if version in known else known:
        schema = _schema(candidate)
        if (alert := read_one(schema, content)) is not None and _makes_sense(alert):
            return schema, alert
    raise CutoutsError(
        f"schema {schema_id} of its packet is none of those that lsst-alert-packet has "
        f"({', '.join(f'{major}.{minor}' for major, minor in known)}), or the packet is damaged. "
        "A newer lsst-alert-packet may have it."
    )


def _makes_sense(alert: Mapping[str, Any]) -> bool:
    source = alert.get("diaSource")
    return (
        isinstance(source, Mapping)
        and alert.get("diaSourceId", source["diaSourceId"]) == source["diaSourceId"]
    )


@cache
def _versions() -> tuple[tuple[int, int], ...]:
    """Return the versions of Rubin's alert schema, newest first."""
    try:
        from lsst.alert.packet import get_schema_root_uri
    except ImportError as error:
        raise CutoutsError(
            f"single packets do not hold their schema, which lsst-alert-packet has: {install_line('alerts')}"
        ) from error
    from lsst.resources import ResourcePath

    found = set()
    for uri in ResourcePath.findFileResources([get_schema_root_uri()], r"alert\.avsc$"):
        major, minor = (part.strip("/") for part in uri.dirname().path.rstrip("/").split("/")[-2:])
        if major.isdecimal() and minor.isdecimal():
            found.add((int(major), int(minor)))
    return tuple(sorted(found, reverse=True))


@cache
def _schema(version: tuple[int, int]) -> AvroSchema:
    from lsst.alert.packet import Schema, get_schema_uri

    major, minor = version
    uri = get_schema_uri(major, minor).join(f"lsst.v{major}_{minor}.alert.avsc")
    return AvroSchema(Schema.from_uri(uri).definition)
