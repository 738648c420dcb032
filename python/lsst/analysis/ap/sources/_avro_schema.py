"""How the records of an Avro file are written, and which of their fields are read."""

__all__ = ("AvroError", "AvroSchema", "RecordBytes", "read_one")

import io
from collections.abc import Mapping
from typing import Any, Final

from ..messages import cause_of

_LEAF_LIMIT: Final = 100_000
_SIZES: Final = {
    "null": 0,
    "boolean": 1,
    "int": 1,
    "long": 1,
    "float": 4,
    "double": 8,
    "bytes": 1,
    "string": 1,
}
"""Bytes that a value has at least (Apache Avro specification, "Binary Encoding")."""

type Type = str | list[Any] | dict[str, Any]


class AvroError(Exception):
    """Why a file, or a part of it, is no Avro that can be read."""


class AvroSchema:
    """How the records of a file are written, and which of their fields are read.

    Only simple fields are read, and records one level down with theirs: what an alert says of its source, and
    its stamps. Lists of earlier detections are passed over.

    Raises `AvroError` when it is no schema of records, or one by which a few bytes stand for any number of
    values.
    """

    def __init__(self, definition: Any) -> None:
        import fastavro

        try:
            written: Any = fastavro.parse_schema(definition)
        except Exception as error:  # fastavro raises whatever is in the way
            raise AvroError(f"its schema cannot be understood ({cause_of(error)})") from error
        if not isinstance(written, dict) or written.get("type") != "record":
            raise AvroError("its records are no alerts")
        self.written: dict[str, Any] = written
        self._named: dict[str, dict[str, Any]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        size, _ = self._measure(self.written, ())
        if size == 0:
            raise AvroError("its records may be empty")
        self._defined: set[str] = set()
        self.wanted = self._simplified(self.written, 1)

    @property
    def name(self) -> str:
        """The schema's name with its namespace, such as ``ztf.alert``."""
        return str(self.written.get("name", ""))

    @property
    def fields(self) -> Mapping[str, frozenset[str]]:
        """The fields that are read, and those of each that is a record."""
        found = {}
        for field in self.wanted["fields"]:
            kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
            records = [self._named[k] if isinstance(k, str) and k in self._named else k for k in kinds]
            names = [f["name"] for r in records if isinstance(r, dict) for f in r.get("fields", ())]
            found[field["name"]] = frozenset(names)
        return found

    def read(self, stream: "RecordBytes") -> Mapping[str, Any]:
        """Return the next record.

        ``stream``: its bytes, and those of the following ones.
        """
        import fastavro

        record: Any = fastavro.schemaless_reader(stream, self.written, self.wanted)
        return dict(record)

    def _measure(self, kind: Type, above: tuple[str, ...]) -> tuple[int, int]:
        """Return the least bytes of a value, and how many simple values it is made of.

        A type that contains itself would need a stack as deep as its data,
        and a list of values of no bytes may be any number long.
        """
        if isinstance(kind, list):
            return 1, max((self._measure(part, above)[1] for part in kind), default=1)
        if isinstance(kind, str):
            if kind in _SIZES:
                return _SIZES[kind], 1
            if kind in above:
                raise AvroError(f"its type {kind} contains itself")
            return self._sizes[kind]
        match kind["type"]:
            case "array":
                size, leaves = self._measure(kind["items"], above)
                if size == 0:
                    raise AvroError("its schema has lists of values of no bytes")
                return 1, leaves
            case "map":
                return 1, self._measure(kind["values"], above)[1]
            case "enum" | "fixed":
                self._named[kind["name"]] = kind
                found = (1, 1) if kind["type"] == "enum" else (int(kind["size"]), 1)
            case "record" | "error":
                self._named[kind["name"]] = kind
                parts = [self._measure(field["type"], (*above, kind["name"])) for field in kind["fields"]]
                found = sum(size for size, _ in parts), 1 + sum(leaves for _, leaves in parts)
                if found[1] > _LEAF_LIMIT:
                    raise AvroError(f"its schema has more than {_LEAF_LIMIT} fields")
            case inner:
                return self._measure(inner, above)
        self._sizes[kind["name"]] = found
        return found

    def _simplified(self, record: dict[str, Any], levels: int) -> dict[str, Any]:
        """Return a record without the fields that are not read."""
        self._defined.add(record["name"])
        fields = []
        for field in record["fields"]:
            if (kind := self._simple(field["type"], levels)) is not None:
                fields.append({"name": field["name"], "type": kind})
        return {"type": "record", "name": record["name"], "fields": fields}

    def _simple(self, kind: Type, levels: int) -> Type | None:
        if isinstance(kind, list):
            parts = [self._simple(part, levels) for part in kind]
            return None if None in parts else parts
        if isinstance(kind, str) and kind in self._named:
            if kind in self._defined:
                return kind
            kind = self._named[kind]
        if isinstance(kind, str):
            return kind
        match kind["type"]:
            case "array" | "map":
                return None
            case "record":
                return self._simplified(kind, levels - 1) if levels else None
            case "enum" | "fixed":
                self._defined.add(kind["name"])
        return kind


class RecordBytes(io.BytesIO):
    """Bytes that end in an error, where passing over a list could go on for ever."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            raise EOFError("a value has fewer than no bytes")
        found = super().read(size)
        if len(found) < size:
            raise EOFError("it ends within a value")
        return found


def read_one(schema: AvroSchema, content: bytes) -> Mapping[str, Any] | None:
    """Return the record that some bytes are, whole.

    ``schema``: how it would be written. Returns: `None` when they are not exactly one record of that schema.
    """
    stream = RecordBytes(content)
    try:
        record = schema.read(stream)
    except Exception:  # the wrong schema can lead anywhere
        return None
    return record if stream.tell() == len(content) else None
