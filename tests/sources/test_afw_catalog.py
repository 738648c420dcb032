"""Catalogues of afw as its measurement tasks leave them: names, slots, flags, units."""

import math

import astropy.table
import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import arrow_tables
from lsst.analysis.ap.sources._afw_catalog import _read_fits
from lsst.analysis.ap.sources._synonyms import current_name

RAW = {
    "id": [2**60 + 1, 2**60 + 3],
    "coord_ra": np.radians([150.0, 151.0]),
    "coord_dec": np.radians([-2.0, -3.0]),
    "parent": [0, 2**60 + 1],
    "ip_diffim_NaiveDipole_centroid_x": [10.5, 11.5],
    "ip_diffim_NaiveDipole_centroid_y": [20.5, 21.5],
    "base_PsfFlux_instFlux": [100.0, -50.0],
    "base_PsfFlux_instFluxErr": [10.0, 5.0],
    "base_PsfFlux_chi2": [1.5, 2.5],
    "base_PsfFlux_npixels": [40.0, 41.0],
    "base_CircularApertureFlux_9_0_instFlux": [120.0, -60.0],
    "base_CircularApertureFlux_9_0_instFluxErr": [20.0, 10.0],
    "ip_diffim_forced_PsfFlux_instFlux": [1000.0, 500.0],
    "ip_diffim_forced_PsfFlux_instFluxErr": [30.0, 15.0],
    "base_LocalPhotoCalib": [2.0, 3.0],
    "base_LocalPhotoCalibErr": [0.0, 0.0],
    "base_PixelFlags_flag_edge": [True, False],
    "base_PixelFlags_flag_saturatedCenter": [False, True],
    "base_PsfFlux_flag": [False, True],
    "base_PsfFlux_flag_noGoodPixels": [True, False],
    "base_CircularApertureFlux_9_0_flag": [True, False],
    "base_CircularApertureFlux_9_0_flag_apertureTruncated": [False, True],
    "ip_diffim_forced_PsfFlux_flag_edge": [True, True],
    "ip_diffim_NaiveDipole_centroid_flag": [False, True],
    "ip_diffim_DipoleFit_classification": [True, False],
}
ALIASES = {
    "slot_PsfFlux": "base_PsfFlux",
    "slot_ApFlux": "base_CircularApertureFlux_9_0",
    "slot_Centroid": "ip_diffim_NaiveDipole_centroid",
    "slot_Centroid_flag": "slot_Centroid_flag_of_another",  # leads nowhere
}
EXPECTED = {
    "diaSourceId": RAW["id"],
    "ra": [150.0, 151.0],
    "dec": [-2.0, -3.0],
    "x": [10.5, 11.5],
    "y": [20.5, 21.5],
    "snr": [6.0, -6.0],
    "psfFlux": [200.0, -150.0],
    "psfFluxErr": [20.0, 15.0],
    "psfChi2": [1.5, 2.5],
    "psfNdata": [40.0, 41.0],
    "apFlux": [240.0, -180.0],
    "apFluxErr": [40.0, 30.0],
    "scienceFlux": [2000.0, 1500.0],
    "scienceFluxErr": [60.0, 45.0],
    "pixelFlags_edge": [True, False],
    "pixelFlags_saturatedCenter": [False, True],
    "psfFlux_flag": [False, True],
    "psfFlux_flag_noGoodPixels": [True, False],
    "apFlux_flag": [True, False],
    "apFlux_flag_apertureTruncated": [False, True],
    "centroid_flag": [False, True],
    "forced_PsfFlux_flag_edge": [True, True],
    "isDipole": [True, False],
    "visit": [7, 7],
    "detector": [3, 3],
}
WHERE = {"visit": [7, 7], "detector": [3, 3]}


class Angle:
    """As lsst.geom.Angle."""

    def __init__(self, radians):
        self._radians = radians

    def asDegrees(self):
        return math.degrees(self._radians)


class AliasMap:
    """As lsst.afw.table.AliasMap: iterating gives the aliases."""

    def items(self):
        return iter(ALIASES.items())

    def __iter__(self):
        return iter(ALIASES)

    def __len__(self):
        return len(ALIASES)


class Schema:
    def getAliasMap(self):
        return AliasMap()


class Record:
    """As lsst.afw.table.SourceRecord: no mapping, and angles are objects."""

    schema = Schema()

    def __init__(self, catalog, row):
        self._values = {name: values[row] for name, values in catalog.columns.items()}

    def extract(self, *patterns):
        assert patterns == ("*",)
        angles = ("coord_ra", "coord_dec")
        values = {n: Angle(v) if n in angles else v for n, v in self._values.items()}
        return {**values, "base_Array": np.zeros(3)}


class Catalog:
    """As lsst.afw.table.SourceCatalog: only contiguous ones have columns."""

    schema = Schema()

    def __init__(self, columns, contiguous=True):
        self.columns, self._contiguous = columns, contiguous

    def __len__(self):
        return len(self.columns["id"])

    def __getitem__(self, row):
        return Record(self, row)

    def isContiguous(self):
        return self._contiguous

    def copy(self, deep=False):
        return Catalog(self.columns, deep)

    def extract(self, *patterns):
        raise AssertionError("column by column would be slow")

    def asAstropy(self):
        if not self._contiguous:
            raise RuntimeError("Record data is not contiguous in memory.")
        table = astropy.table.Table(self.columns)
        for name in ("coord_ra", "coord_dec"):
            table[name].unit = u.rad
        table["base_Array"] = np.zeros((len(self), 3))
        return table


def check(table, rows=slice(None)):
    for name, values in EXPECTED.items():
        np.testing.assert_allclose(table.column(name).to_pylist(), values[rows], rtol=1e-14, err_msg=name)


@pytest.mark.parametrize("contiguous", [True, False])
def test_a_catalogue_given_directly_has_all_that_a_picture_shows(contiguous):
    (table,) = arrow_tables(Catalog(RAW | WHERE, contiguous))
    check(table)


@pytest.mark.parametrize("row", [0, 1])
def test_a_record_given_directly_does_too(row):
    (table,) = arrow_tables(Catalog(RAW | WHERE)[row])
    check(table, slice(row, row + 1))


def test_a_record_needs_no_more_than_its_position_where_that_is_enough():
    (table,) = arrow_tables(Catalog(RAW)[0], required=("ra", "dec"))
    assert table.select(["visit", "detector"]).to_pylist() == [{"visit": None, "detector": None}]
    with pytest.raises(CutoutsError, match="no column 'visit', 'detector'"):
        list(arrow_tables(Catalog(RAW)[0]))


def test_a_file_that_afw_wrote_has_its_slots_too(tmp_path):
    flags = [name for name, values in RAW.items() if isinstance(values[0], bool)]
    columns = [fits.Column("flags", f"{len(flags)}X", array=np.array([RAW[n] for n in flags]).T)]
    for name, values in RAW.items():
        if name not in flags:
            kind = "K" if isinstance(values[0], int) else "D"
            unit = "rad" if name.startswith("coord_") else None
            columns.append(fits.Column(name, kind, unit=unit, array=np.array(values)))
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["AFW_TABLE_VERSION"] = 3
    for number, name in enumerate(flags, 1):
        hdu.header[f"TFLAG{number}"] = name
    for alias, target in ALIASES.items():
        hdu.header.append(("ALIAS", f"{alias}:{target}"))
    hdu.writeto(tmp_path / "c.fits")
    table = _read_fits(str(tmp_path / "c.fits"), "c")
    for name, values in WHERE.items():
        table[name] = values
    (found,) = arrow_tables(table)
    check(found)


def test_names_of_slots_in_any_table_are_understood():
    slots = {alias: target for alias, target in ALIASES.items() if alias != "slot_Centroid_flag"}
    names = {name: name for name in RAW}
    for alias, target in slots.items():
        names |= {name: alias + name.removeprefix(target) for name in RAW if name.startswith(target)}
    columns = {names[name]: values for name, values in RAW.items()} | WHERE
    columns |= {"coord_ra": EXPECTED["ra"], "coord_dec": EXPECTED["dec"]}
    (table,) = arrow_tables(pa.table(columns))
    check(table)


# The bits that ap_association packed until 2024 (its association-flag-map.yaml), and the columns that
# dax_apdb_migrate made of them for version 1.0.0 of the APDB's schema: how the names begin, and go on.
FLAGS = {
    ("base_PixelFlags_flag", "pixelFlags"): (
        *("", "_bad", "_cr", "_crCenter", "_edge", "_injected", "_injectedCenter", "_injected_template"),
        *("_injected_templateCenter", "_interpolated", "_interpolatedCenter", "_offimage", "_saturated"),
        *("_saturatedCenter", "_streak", "_streakCenter", "_suspect", "_suspectCenter"),
    ),
    ("slot_Centroid_flag", "centroid_flag"): ("",),
    ("slot_ApFlux_flag", "apFlux_flag"): ("", "_apertureTruncated"),
    ("slot_PsfFlux_flag", "psfFlux_flag"): ("", "_edge", "_noGoodPixels"),
    ("ip_diffim_forced_PsfFlux_flag", "forced_PsfFlux_flag"): ("", "_edge", "_noGoodPixels"),
    ("slot_Shape_flag", "shape_flag"): ("", "_no_pixels", "_not_contained", "_parent_source"),
    ("ext_trailedSources_Naive_flag", "trail_flag"): ("_edge",),
}


def test_flags_have_the_columns_that_the_apdb_gave_them():
    names = {afw + end: column + end for (afw, column), ends in FLAGS.items() for end in ends}
    assert len(names) == 32
    assert {afw: current_name(afw) for afw in names} == names


def test_measurements_of_the_first_apdbs_have_the_names_of_today():
    """What afw calls them, what ap_association called them until 2023, and what it calls them today."""
    names = {
        "psFlux": ("slot_PsfFlux_instFlux", "psfFlux"),
        "psFluxErr": ("slot_PsfFlux_instFluxErr", "psfFluxErr"),
        "psChi2": ("slot_PsfFlux_chi2", "psfChi2"),
        "psNdata": ("slot_PsfFlux_npixels", "psfNdata"),
        "apFlux": ("slot_ApFlux_instFlux", "apFlux"),
        "apFluxErr": ("slot_ApFlux_instFluxErr", "apFluxErr"),
        "totFlux": ("ip_diffim_forced_PsfFlux_instFlux", "scienceFlux"),
        "totFluxErr": ("ip_diffim_forced_PsfFlux_instFluxErr", "scienceFluxErr"),
        "decl": ("coord_dec", "dec"),
    }
    assert {old: (current_name(old), current_name(afw)) for old, (afw, _) in names.items()} == {
        old: (today, today) for old, (_, today) in names.items()
    }
    others = {"filterName": "band", "midPointTai": "midpointMjdTai", "spuriousness": "reliability"}
    assert {old: current_name(old) for old in others} == others
