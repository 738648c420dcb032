"""Alert packets out of the files that hold them."""

__all__ = ("read_packets",)

import io
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..domain import CutoutsError

_CONTAINER: Final = b"Obj\x01"
_FRAME_BYTES: Final = 5


def read_packets(path: str | Path) -> Iterator[Mapping[str, Any]]:
    """Yield the alerts of a file.

    Parameters
    ----------
    path : `str` or `pathlib.Path`
        An Avro container of any number of alerts, which holds its schema; or
        a single packet in Confluent's wire format: a zero, the identifier of
        its schema in 4 bytes, and the alert.

    Yields
    ------
    alert : `~collections.abc.Mapping`
        The packet.

    Raises
    ------
    CutoutsError
        Raised when the file is neither, or is damaged.
    """
    try:
        import fastavro
    except ImportError:
        raise CutoutsError("Reading alerts needs fastavro: pip install 'lsst-analysis-ap[alerts]'.") from None
    try:
        with open(path, "rb") as stream:
            start = stream.read(_FRAME_BYTES)
            if start[:4] == _CONTAINER:
                stream.seek(0)
                for alert in fastavro.reader(stream):
                    if not isinstance(alert, Mapping):
                        raise ValueError("its records are no alerts")
                    yield alert
                return
            if start[:1] != b"\x00" or len(start) < _FRAME_BYTES:
                raise ValueError("it is neither an Avro container nor a packet in Confluent's wire format")
            yield _read_frame(int.from_bytes(start[1:], "big"), stream.read())
    except CutoutsError as error:
        raise CutoutsError(f"Alert file {path}: {error}") from None
    except Exception as error:  # fastavro raises whatever a damaged file leads to
        cause = " ".join(str(error).split()) or type(error).__name__
        raise CutoutsError(f"Alert file {path} cannot be read: {cause}") from None


def _read_frame(schema_id: int, content: bytes) -> Mapping[str, Any]:
    """Return the alert of a packet that does not hold its schema."""
    import fastavro

    known = _versions()
    # Rubin registers schema 7.4 as 704. A test stream may number them in its
    # own way; then the one is right that uses up every byte and makes sense.
    version = divmod(schema_id, 100)
    for candidate in [version] if version in known else known:
        stream = io.BytesIO(content)
        try:
            alert = fastavro.schemaless_reader(stream, _schema(candidate), None)
        except Exception:  # the wrong schema can lead anywhere
            continue
        if isinstance(alert, Mapping) and stream.tell() == len(content) and _makes_sense(alert):
            return alert
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
    except ImportError:
        raise CutoutsError(
            "single packets do not hold their schema, which lsst-alert-packet has: "
            "pip install 'lsst-analysis-ap[alerts]'."
        ) from None
    from lsst.resources import ResourcePath

    found = set()
    for uri in ResourcePath.findFileResources([get_schema_root_uri()], r"alert\.avsc$"):
        major, minor = (part.strip("/") for part in uri.dirname().path.rstrip("/").split("/")[-2:])
        if major.isdecimal() and minor.isdecimal():
            found.add((int(major), int(minor)))
    return tuple(sorted(found, reverse=True))


@cache
def _schema(version: tuple[int, int]) -> Any:
    from lsst.alert.packet import Schema, get_schema_uri

    major, minor = version
    return Schema.from_uri(get_schema_uri(major, minor).join(f"lsst.v{major}_{minor}.alert.avsc")).definition
