"""Names and types of the columns that stand beside those of the catalogue."""

__all__ = ("CONSTANTS", "UNIT", "PixelColumn", "StampColumns")

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

CONSTANTS: Final[Mapping[str, str]] = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CUNIT1": "deg",
    "CUNIT2": "deg",
    "RADESYS": "ICRS",
}
"""The FITS keywords that complete the WCS of each row."""

UNIT: Final = "BUNIT"
"""Column with the unit of the pixels, the keyword of FITS. Where the three
images differ it has all their units, where they have none it is null."""

_KEY: Final = b"stamps"


@dataclass(frozen=True)
class PixelColumn:
    """A column, an array or a file of pixels."""

    name: str
    """Its name, without the ending of a file."""
    plane: str
    """``image``, ``mask``, ``variance`` or ``psf``."""
    size: int
    """Side of the stamps in pixels."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the pixels of a source."""
        return 3, self.size, self.size

    @property
    def length(self) -> int:
        """How many pixels a source has."""
        return 3 * self.size * self.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return np.dtype(np.int32 if self.plane == "mask" else np.float32)


@dataclass(frozen=True)
class StampColumns:
    """Names of the columns that stand beside those of the catalogue.

    The WCS of each row has the names of its FITS keywords, so that a row and `CONSTANTS` together are a
    header for `astropy.wcs.WCS`. With one size the names are plain; with several, those that depend on the
    size end in it: ``stamps_30``, ``CRPIX1_30``.
    """

    sizes: tuple[int, ...]
    """Sides of the stamps in pixels, without repetition."""
    planes: tuple[str, ...] = ()
    """What there is beside the image."""
    mask_planes: tuple[str, ...] = ()
    """Names of the mask planes, from bit 0 on."""

    def named(self, name: str, size: int) -> str:
        """Return the name of a column that each size has.

        ``size``: side of the stamps in pixels. Returns: the name with that size, where there are several.
        """
        return name if len(self.sizes) == 1 else f"{name}_{size}"

    def stamps(self, size: int) -> str:
        """Return the name of the pixels of one size.

        ``size``: side of the stamps in pixels. Returns: name of a column, of an array or of a file without
        its ending.
        """
        return self.named("stamps", size)

    @property
    def arrays(self) -> tuple[PixelColumn, ...]:
        """The columns of pixels, those of a size together."""
        return tuple(
            PixelColumn(self.named("stamps" if plane == "image" else f"stamps_{plane}", size), plane, size)
            for size in self.sizes
            for plane in ("image", *self.planes)
        )

    @property
    def pixels(self) -> tuple[str, ...]:
        """Names of the columns of pixels."""
        return tuple(array.name for array in self.arrays)

    @property
    def wcs(self) -> tuple[str, ...]:
        """Names of the columns of WCS and unit, in order."""
        return tuple(self.wcs_types)

    @property
    def wcs_types(self) -> dict[str, pa.DataType]:
        """Type of each column of WCS and unit."""
        types = dict.fromkeys(("CRVAL1", "CRVAL2", "CD1_1", "CD1_2", "CD2_1", "CD2_2"), pa.float64())
        for size in self.sizes:
            types |= {self.named(name, size): pa.float64() for name in ("CRPIX1", "CRPIX2")}
            types |= {self.named(name, size): pa.int32() for name in ("x0", "y0")}
        return types | {UNIT: pa.string()}

    def mark(self, table: pa.Table) -> pa.Table:
        """Note in the schema of a table what it holds, for `of`."""
        words = {"sizes": self.sizes, "planes": self.planes, "mask_planes": self.mask_planes}
        return table.replace_schema_metadata({_KEY: json.dumps(words)})

    @classmethod
    def of(cls, schema: pa.Schema) -> Self:
        """Return what a table of stamps holds.

        Raises `KeyError, TypeError, ValueError` when the schema is of another table.
        """
        words: Mapping[str, Sequence[Any]] = json.loads((schema.metadata or {})[_KEY])
        return cls(tuple(map(int, words["sizes"])), tuple(words["planes"]), tuple(words["mask_planes"]))

    def holds(self, wanted: Self) -> bool:
        """Return whether a table with these columns has the wanted names, sizes and planes."""
        return set(self.sizes) == set(wanted.sizes) and set(self.planes) >= set(wanted.planes)
