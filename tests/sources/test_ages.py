"""Catalogues of every age and origin: names, packed flags, packed visits, withdrawn sources."""

import sqlite3

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
from tests.sources.reading import ids

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import (
    FlagMap,
    LinearPacker,
    Meanings,
    RubinPacker,
    Selection,
    SqlApdb,
    arrow_tables,
    open_butler_tables,
    open_catalog,
    packer_of,
)
from lsst.analysis.ap.sources._identifiers import read_identifiers

FLAG_MAP = """\
# Flags of a table that is not meant
tableName: DiaObject
columns:
  - columnName: flags
    bitList:
    - {name: base_PixelFlags_flag_bad, bit: 5}
---
tableName: DiaSource
doc: "Flag packing"
columns:
  - columnName: flags
    doc: Bit pack
    bitList:
    - name: base_PixelFlags_flag
      bit: 0
      doc: general failure
    - name: base_PixelFlags_flag_bad
      bit: 1
    - name: slot_PsfFlux_flag_edge
      bit: 40
    - name: slot_Centroid_pos_flag
      bit: 3
---
"""


@pytest.fixture
def flag_map(tmp_path):
    (tmp_path / "map.yaml").write_text(FLAG_MAP)
    return FlagMap.from_file(tmp_path / "map.yaml")


@pytest.fixture
def old(tmp_path):
    """A DiaSource table of before schema 1.0.0 and the path of its SQLite file."""
    flags = [0, 1, 2, 3, 1 << 40, (1 << 40) + 2, None, 8]
    n = len(flags)
    frame = pd.DataFrame(
        {
            "diaSourceId": np.arange(n)[::-1] + 10,
            "ccdVisitId": np.array([7, 3, 7, 3, 5, 5, 3, 7]) * 1000 + np.array([2, 2, 1, 1, 2, 1, 2, 1]),
            "filterName": ["g", "r"] * (n // 2),
            "ra": np.linspace(1, 2, n),
            "decl": np.linspace(-1, 1, n),
            "psFlux": np.linspace(0, 1, n),
            "totFlux": np.linspace(5, 6, n),
            "spuriousness": np.linspace(0, 1, n),
            "midPointTai": 60000.0 + np.arange(n),
            "flags": pd.array(flags, dtype="Int64"),
        }
    )
    path = tmp_path / "old.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute(
            'CREATE TABLE "DiaSource" ("diaSourceId" BIGINT, "ccdVisitId" BIGINT, "filterName" CHAR(1),'
            ' ra DOUBLE, decl DOUBLE, "psFlux" FLOAT, "totFlux" FLOAT, spuriousness FLOAT,'
            ' "midPointTai" DOUBLE, flags BIGINT)'
        )
        rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
        db.executemany(f'INSERT INTO "DiaSource" VALUES ({",".join("?" * 10)})', rows)
    return frame, path


@pytest.mark.parametrize("kind", ["database", "file"])
def test_an_old_catalogue_is_read_and_selected_by_the_names_of_today(old, flag_map, tmp_path, kind):
    frame, path = old
    meanings = Meanings(flag_map, lambda: LinearPacker(1000))
    if kind == "file":
        frame.to_parquet(tmp_path / "old.parquet")
        catalogue = open_catalog(tmp_path / "old.parquet", meanings)
    else:
        catalogue = SqlApdb.from_sqlite(path, meanings)
    (table,) = catalogue.read(Selection())
    frame = frame.assign(visit=frame["ccdVisitId"] // 1000, detector=frame["ccdVisitId"] % 1000)
    frame = frame.sort_values(["visit", "detector", "diaSourceId"])
    assert ids([table]) == frame["diaSourceId"].to_list()
    for name, older in {"dec": "decl", "band": "filterName", "reliability": "spuriousness"}.items():
        np.testing.assert_array_equal(
            table.column(name).to_pylist(),
            frame[older].astype(
                "float32" if name == "reliability" and kind == "database" else frame[older].dtype
            ),
        )
    assert table.column("visit").to_pylist() == frame["visit"].to_list()
    assert table.column("detector").to_pylist() == frame["detector"].to_list()
    flags = frame["flags"].astype(object).where(frame["flags"].notna(), None)
    for name, bit in {
        "pixelFlags": 0,
        "pixelFlags_bad": 1,
        "psfFlux_flag_edge": 40,
        "slot_Centroid_pos_flag": 3,
    }.items():
        expected = [None if f is None else bool(f >> bit & 1) for f in flags]
        assert table.column(name).to_pylist() == expected, name
    assert "flags" not in table.column_names
    known = frame["flags"].notna()
    cases = {
        Selection(excluded_flags=("pixelFlags_bad",)): known & (frame["flags"] & 2 == 0).fillna(False),
        Selection(required_flags=("psfFlux_flag_edge",)): known
        & (frame["flags"] & 1 << 40 != 0).fillna(False),
        Selection(visits=(3, 5), detectors=(2,)): frame["visit"].isin([3, 5]) & (frame["detector"] == 2),
        Selection(where="decl > 0 and band == 'r'"): (frame["decl"] > 0) & (frame["filterName"] == "r"),
        Selection(where="not base_PixelFlags_flag", limit=3): known & (frame["flags"] & 1 == 0).fillna(False),
    }
    for selection, wanted in cases.items():
        found = frame["diaSourceId"][wanted].to_list()[: selection.limit]
        assert ids(catalogue.read(selection)) == found != [], selection
        assert catalogue.count(selection) == len(found)
    assert len(ids(catalogue.read(Selection(visits=(7,), sample=2)))) == 2


def test_packed_visits_need_a_packer(old):
    frame, path = old
    with pytest.raises(CutoutsError, match="ccdVisitId in place of visit and detector"):
        SqlApdb.from_sqlite(path)
    with pytest.raises(CutoutsError, match="ccdVisitId in place of visit and detector"):
        list(arrow_tables(frame))


def test_packers_undo_what_the_stack_packs(demo):
    from lsst.daf.butler import Butler
    from lsst.pipe.base import ObservationDimensionPacker

    with Butler.from_config(str(demo.repo), writeable=False) as butler:
        packer = packer_of(butler, None)
        data_id = butler.registry.expandDataId(
            instrument=demo.instrument, visit=demo.visits[1], detector=demo.detectors[1]
        )
        packed = ObservationDimensionPacker(data_id, is_exposure=False).pack(data_id)
        assert packer_of(butler, "unheard of") is None
        assert packer_of(butler, "LSSTCam") == RubinPacker()
    visits, detectors = packer.unpack(np.array([packed]))
    assert (visits[0], detectors[0]) == (demo.visits[1], demo.detectors[1])


@pytest.mark.parametrize(
    ("date", "sequence", "detector"),
    [("2010-01-01", 0, 0), ("2025-12-31", 12345, 188), ("2028-02-29", 1, 255)],
)
@pytest.mark.parametrize("snap", [0, 1])
def test_rubins_packing_is_undone_by_calendar(date, sequence, detector, snap):
    import datetime

    day = datetime.date.fromisoformat(date)
    night = (day - datetime.date(2010, 1, 1)).days
    packed = detector + 256 * (sequence + 32768 * (night + 16384 * snap))
    visits, detectors = RubinPacker().unpack(np.array([packed]))
    assert visits[0] == int(("9" if snap else "") + f"{day:%Y%m%d}{sequence:05d}")
    assert detectors[0] == detector


@pytest.mark.parametrize(
    "text",
    ["[", "x: 1", "columns: []", "columns: [{columnName: f, bitList: [{name: a}]}]", "tableName: Other",
     "columns: [{columnName: f, bitList: [{name: a, bit: 70}]}]",
     "columns: [{columnName: f, bitList: [{name: a, bit: 1}, {name: b, bit: 1}]}]"],
)  # fmt: skip
def test_what_is_no_flag_map_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(CutoutsError, match=r"map\.yaml") as caught:
        FlagMap.from_file(tmp_path / "map.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("withdrawn", ["timeWithdrawnMjdTai", "time_withdrawn"])
def test_withdrawn_sources_are_left_out_of_every_catalogue(tmp_path, withdrawn):
    when = [None, 61000.0] if withdrawn.endswith("Tai") else [None, pd.Timestamp("2026-01-01")]
    frame = pd.DataFrame(
        {"diaSourceId": [1, 2], "visit": 1, "detector": 1, "ra": 1.0, "dec": 1.0, withdrawn: when}
    )
    frame.to_sql("DiaSource", sa.create_engine(f"sqlite:///{tmp_path}/a.sqlite3"), index=False)
    frame.to_parquet(tmp_path / "c.parquet")
    for catalogue in (SqlApdb.from_sqlite(tmp_path / "a.sqlite3"), open_catalog(tmp_path / "c.parquet")):
        assert ids(catalogue.read(Selection(), ["ra"])) == [1]
        assert catalogue.count(Selection()) == 1


COLUMNS = {
    "diaSourceId": [2**62 + 1, 5],
    "visit": [3, 2],
    "detector": [1, 1],
    "ra": [1.5, None],
    "dec": [2.0, 3.0],
}


@pytest.mark.parametrize("kind", [pl.DataFrame, pl.LazyFrame])
def test_polars_is_understood(kind):
    frame = kind(COLUMNS | {"filterName": ["g", None]})
    (table,) = arrow_tables(frame)
    assert ids([Selection(bands=("g",)).apply(table)]) == [2**62 + 1]
    assert table.column("ra").to_pylist() == [1.5, None]


def test_names_of_tap_and_of_afw_are_understood():
    tap = {"diaSourceId": [1], "visit": [2], "detector": [3], "coord_ra": [4.0], "coord_dec": [5.0]}
    afw = {"id": [1], "visit": [2], "detector": [3], "coord_ra": [4.0], "coord_dec": [5.0]}
    afw |= {"base_PixelFlags_flag_saturatedCenter": [True], "slot_PsfFlux_flag": [False]}
    for columns in (tap, afw):
        (table,) = arrow_tables(pa.table(columns))
        assert table.select(["diaSourceId", "visit", "detector", "ra", "dec"]).to_pylist() == [
            {"diaSourceId": 1, "visit": 2, "detector": 3, "ra": 4.0, "dec": 5.0}
        ]
    assert table.column("pixelFlags_saturatedCenter").to_pylist() == [True]
    assert table.column("psfFlux_flag").to_pylist() == [False]


def test_a_table_with_two_names_for_a_column_keeps_that_of_today():
    (table,) = arrow_tables(pa.table(COLUMNS | {"coord_ra": [7.0, 8.0], "decl": [9.0, 9.0]}))
    assert table.column("ra").to_pylist() == [1.5, None]
    assert table.column("dec").to_pylist() == [2.0, 3.0]


def test_folders_of_parquet_files_of_different_ages_are_one_catalogue(tmp_path):
    frame = pd.DataFrame(
        {
            "diaSourceId": np.arange(9),
            "visit": 2026010100000 + np.arange(9) // 3,
            "detector": np.arange(9) % 2,
            "ra": 1.0,
            "dec": 2.0,
        }
    )
    frame.to_parquet(tmp_path / "hive", partition_cols=["visit", "detector"])
    extra = frame.head(1).assign(diaSourceId=100, snr=8.0).drop(columns=["visit", "detector"])
    extra.to_parquet(tmp_path / "hive" / "visit=2026010100001" / "detector=0" / "later.parquet")
    for place in (tmp_path / "hive", (tmp_path / "hive").as_uri() + "/"):
        catalogue = open_catalog(place)
        found = [row for table in catalogue.read(Selection()) for row in table.to_pylist()]
        everything = sorted(
            [
                *frame[["visit", "detector", "diaSourceId"]].itertuples(index=False, name=None),
                (2026010100001, 0, 100),
            ]
        )
        assert [(r["visit"], r["detector"], r["diaSourceId"]) for r in found] == everything
        assert ids(catalogue.read(Selection(snr_min=1), ["ra"])) == [100]


def test_identifiers_come_from_words_text_and_tables(tmp_path):
    big = 2**62 + 1
    (tmp_path / "plain.txt").write_text(f"# a list\n{big}\n\n7 # seven\n")
    pd.DataFrame({"ra": [1.0, 2.0], "diaSourceId": [big, 7]}).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame({"id": [big, 7]}).to_parquet(tmp_path / "t.parquet")
    for words in (
        f"{big},7",
        str(tmp_path / "plain.txt"),
        str(tmp_path / "t.csv"),
        str(tmp_path / "t.parquet"),
    ):
        assert read_identifiers(words) == (big, 7), words


@pytest.mark.parametrize("words", ["nowhere.txt", "1,x", "", "9" * 30, "1.5,2"])
def test_what_are_no_identifiers_is_refused(words):
    with pytest.raises(CutoutsError):
        read_identifiers(words)


@pytest.fixture(scope="module")
def afw_butler(afw_root):
    from lsst.daf.butler import Butler

    with Butler.from_config(str(afw_root), collections="LSSTCam/runs/rice", writeable=False) as butler:
        yield butler


def test_catalogues_that_afw_wrote_are_read_without_afw(afw_butler):
    from astropy.io import fits

    (ref,) = afw_butler.query_datasets("goodSeeingDiff_diaSrc")
    raw = fits.getdata(afw_butler.getURI(ref).ospath, 1)
    (table,) = open_butler_tables(afw_butler, "goodSeeingDiff_diaSrc").read(Selection())
    assert table.column("diaSourceId").to_pylist() == sorted(raw["id"].tolist())
    order = np.argsort(raw["id"])
    np.testing.assert_allclose(table.column("ra").to_numpy(), np.degrees(raw["coord_ra"][order]), rtol=1e-14)
    np.testing.assert_allclose(
        table.column("dec").to_numpy(), np.degrees(raw["coord_dec"][order]), rtol=1e-14
    )
    first = table.slice(0, 1).to_pylist()[0]
    assert [first[n] for n in ("instrument", "visit", "detector", "band")] == ["LSSTCam", 123456, 94, "r"]


@pytest.mark.parametrize("kind", ["ArrowAstropy", "DataFrame", "DataFrame of ap_association", "ArrowTable"])
def test_tables_of_every_storage_class_are_read(tmp_path, demo, kind):
    from lsst.daf.butler import Butler, DatasetType

    storage_class = kind.partition(" ")[0]
    with Butler.from_config(str(demo.repo), collections=demo.collection, writeable=False) as source:
        whole = open_butler_tables(source, "dia_source_detector")
        expected = [row["diaSourceId"] for t in whole.read(Selection()) for row in t.to_pylist()]
        root = tmp_path / "repo"
        import shutil

        shutil.copytree(demo.repo, root)
        with Butler.from_config(str(root), collections=demo.collection, run="new", writeable=True) as butler:
            for name, dimensions in (
                ("by_detector", ["instrument", "visit", "detector"]),
                ("by_visit", ["instrument", "visit"]),
            ):
                dataset_type = DatasetType(name, butler.dimensions.conform(dimensions), storage_class)
                butler.registry.registerDatasetType(dataset_type)
                for visit in demo.visits:
                    tables = [
                        butler.get(
                            "dia_source_detector",
                            instrument=demo.instrument,
                            visit=visit,
                            detector=d,
                            storageClass="DataFrame",
                        )
                        for d in demo.detectors
                    ]
                    parts = (
                        dict(zip(demo.detectors, tables, strict=True))
                        if name == "by_detector"
                        else {None: pd.concat(tables)}
                    )
                    for detector, part in parts.items():
                        data_id = {"instrument": demo.instrument, "visit": visit}
                        if detector is not None:
                            data_id["detector"] = detector
                            part = part.drop(columns=["visit", "detector"])  # only the data ID says them
                        if kind == "DataFrame of ap_association":
                            part = part.set_index(["diaObjectId", "band", "diaSourceId"], drop=False)
                        butler.put(_as_class(part, storage_class), name, data_id)
        with Butler.from_config(str(root), collections="new", writeable=False) as butler:
            for name in ("by_detector", "by_visit"):
                catalogue = open_butler_tables(butler, name)
                assert ids(catalogue.read(Selection())) == expected, name
                some = Selection(detectors=(demo.detectors[1],), sample=5)
                assert ids(catalogue.read(some)) == ids(whole.read(some)), name
                visit = open_butler_tables(butler, name, f"visit = {demo.visits[0]}")
                assert ids(visit.read(Selection())) == ids(whole.read(Selection(visits=(demo.visits[0],)))), (
                    name
                )


def _as_class(frame, storage_class):
    from lsst.daf.butler.formatters.parquet import arrow_to_astropy

    if storage_class == "DataFrame":
        return frame
    table = pa.Table.from_pandas(frame.dropna(axis=1, how="all"), preserve_index=False)
    return table if storage_class == "ArrowTable" else arrow_to_astropy(table)
