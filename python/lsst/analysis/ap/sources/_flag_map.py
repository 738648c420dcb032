"""Flags that share the bits of one integer."""

__all__ = ("FlagMap", "unpack_flags")

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError, UnreadableError
from ..messages import cause_of
from ._synonyms import current_name

_TABLE: Final = "DiaSource"


@dataclass(frozen=True, slots=True)
class FlagMap:
    """What the bits of an integer column mean."""

    column: str
    """Name of the column."""
    bits: Mapping[str, int]
    """Bit, counted from 0, of each flag by its current name."""

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a map in the YAML layout of ap_association.

        ``path``: a path, or a URI that `lsst.resources` can read, of a file of one or more YAML documents,
        each of which has a ``tableName`` and ``columns``, each of which has a ``columnName`` and a
        ``bitList`` of ``name`` and ``bit``. Returns: the map of the first column of DiaSource. Raises
        `UnreadableError` when the file cannot be read; `CutoutsError` when it is no such map.
        """
        import yaml

        from lsst.resources import ResourcePath

        try:
            text = ResourcePath(str(path), forceDirectory=False).read()
        except Exception as error:  # what comes depends on the kind of place
            cause = getattr(error, "strerror", None) or cause_of(error)
            raise UnreadableError(f"Flag map {path} cannot be read: {cause}") from error
        try:
            documents = list(yaml.safe_load_all(text.decode()))
        except (UnicodeError, yaml.YAMLError) as error:
            raise CutoutsError(f"Flag map {path} is no YAML: {cause_of(error)}") from error
        for document in documents:
            if isinstance(document, Mapping) and document.get("tableName", _TABLE) == _TABLE:
                return cls._from_document(document, path)
        raise CutoutsError(f"Flag map {path} has nothing on table {_TABLE}.")

    @classmethod
    def _from_document(cls, document: Mapping[str, Any], path: str | Path) -> Self:
        try:
            column = document["columns"][0]
            bits = {current_name(str(entry["name"])): int(entry["bit"]) for entry in column["bitList"]}
            name = str(column["columnName"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise CutoutsError(
                f"Flag map {path} lacks {error}; each of its columns has a columnName and a bitList of name "
                "and bit."
            ) from error
        if wrong := [flag for flag, bit in bits.items() if not 0 <= bit < 63]:
            raise CutoutsError(f"Flag map {path}: the bit of {wrong[0]} is not from 0 to 62.")
        if len(set(bits.values())) < len(column["bitList"]):
            raise CutoutsError(f"Flag map {path} gives a flag or a bit twice.")
        return cls(name, bits)


def unpack_flags(table: pa.Table, flag_map: FlagMap) -> pa.Table:
    """Give each flag of a packed integer a column of its own.

    ``flag_map``: what the bits mean. Returns: the same rows with truth values
    in place of the integer, where they have it; a flag is null where the integer is. Columns that are there
    stay as they are.
    """
    if flag_map.column not in table.column_names:
        return table
    packed = table.column(flag_map.column).cast(pa.int64())
    for name, bit in flag_map.bits.items():
        if name not in table.column_names:
            is_set = pc.not_equal(pc.bit_wise_and(packed, pa.scalar(1 << bit, pa.int64())), 0)
            table = table.append_column(name, is_set)
    return table.drop_columns(flag_map.column)
