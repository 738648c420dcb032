"""Catalogues in the formats of astronomy: FITS, VOTable, ECSV."""

__all__ = ("check_votable", "read_ecsv", "read_fits", "read_votable")

import math
import re
import warnings
import xml.parsers.expat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa

from ..domain import CutoutsError
from ._csv import decoded, read_csv
from ._synonyms import current_name

if TYPE_CHECKING:
    import astropy.table

_FITS_FIELDS: Final = 999
"""Columns that a table can have by the FITS standard 4.0, section 7.2.1."""

_EXPANSION: Final = 100
"""How many bytes of a table may come of each byte of its file."""


def read_fits(path: Path) -> "astropy.table.Table":
    """Read the first table of a FITS file.

    Raises `CutoutsError` when its header counts what cannot be there.
    """
    from astropy.io import fits
    from astropy.table import Table

    size = path.stat().st_size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        with fits.open(path, memmap=True) as hdus:
            # Not all at once: a file may have any number of HDUs.
            tables = (hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU))
            if (hdu := next(tables, None)) is None:
                raise CutoutsError("it has no table")
            fields, rows = (hdu.header.get(name, 0) for name in ("TFIELDS", "NAXIS2"))
            width = hdu.header.get("NAXIS1", 0)
            if not 0 <= fields <= _FITS_FIELDS or rows * max(width, 1) > size:
                raise CutoutsError(
                    f"its header counts {fields} columns and {rows} rows of {width} bytes, in {size} bytes"
                )
            return Table.read(hdu)


def read_votable(path: Path) -> "astropy.table.Table":
    """Read the first table of a VOTable file.

    Returns: its rows; values that are not of their field's type are masked. Raises `CutoutsError` when its
    data are elsewhere, or its header counts more than there is.
    """
    from astropy.io import votable

    with path.open("rb") as stream:
        check_votable(stream, path.stat().st_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", votable.exceptions.VOWarning)
        found = votable.parse_single_table(str(path), invalid="mask", verify="ignore")
        return found.to_table(use_names_over_ids=True)


def check_votable(stream: IO[bytes], size: int) -> None:
    """Refuse a VOTable that would read from the network, or fill the memory.

    ``size``: how many bytes it has. Raises `CutoutsError` when its data are elsewhere, or it declares more
    than it can hold. Raises `ExpatError` when it is no XML.
    """
    counts = {"rows": 0, "width": 0}

    def start(name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2].upper()
        if tag == "STREAM" and "href" in attributes:
            raise CutoutsError(
                f"its data are elsewhere, at {attributes['href']}: download them and convert the whole to "
                "a file that holds them"
            )
        if tag == "TR":
            counts["rows"] += 1
        elif tag == "FIELD":
            counts["width"] += math.prod(map(int, re.findall(r"\d+", attributes.get("arraysize", "1"))))
        elif tag == "TABLE" and attributes.get("nrows", "0").strip().isdecimal():
            counts["rows"] = max(counts["rows"], int(attributes.get("nrows", "0")))

    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = start
    parser.ParseFile(stream)
    if max(counts["rows"], 1) * counts["width"] > max(_EXPANSION * size, 2**20):
        raise CutoutsError(f"it declares {counts['rows']} rows of {counts['width']} values, in {size} bytes")


def read_ecsv(path: Path) -> Any:
    """Read an ECSV file.

    Returns: its rows. Where a value is not of its column's type, and astropy would have none of them, they
    are read as those of a CSV file. Raises `CutoutsError` when it cannot be read in either way.
    """
    from astropy.table import Table

    try:
        return Table.read(path, format="ascii.ecsv")
    except Exception:  # whatever a single value leads to
        return _read_ecsv_as_text(path)


def _read_ecsv_as_text(path: Path) -> pa.Table:
    lines = decoded(path.read_bytes()).splitlines(keepends=True)
    comments = [line for line in lines if line.startswith(b"#")]
    rows = [line for line in lines if not line.startswith(b"#")]
    header = b"".join(comments).decode(errors="replace")
    delimiter = b"," if re.search(r"^# delimiter: ','", header, re.MULTILINE) else b" "
    for name, unit in re.findall(r"name: *([^,}\s]+)[^\n]*?unit: *([^,}\s]+)", header):
        if current_name(name) in ("ra", "dec") and unit != "deg":
            raise CutoutsError(f"column {name!r} is in {unit}, and not all of its values can be read")
    return read_csv(b"".join(rows), delimiter)
