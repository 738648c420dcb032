"""The tables of data releases: their columns, and what is told in several of them."""

import shutil
from pathlib import Path

import lsst.sdm.schemas
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import (
    PICTURE_COLUMNS,
    SYNONYMS,
    Selection,
    arrow_tables,
    current_name,
    group_by_detector,
    open_butler_tables,
)

# Of no use to a picture, nor to say which sources are wanted; a condition may name them all the same.
NOT_NEEDED = {
    *("raErr", "decErr", "ra_dec_Cov", "xErr", "yErr", "exposureTime", "ssObjectReassocTimeMjdTai"),
    *("trailFlux", "trailFluxErr", "trailRa", "trailRaErr", "trailDec", "trailDecErr", "trailLength"),
    *("trailLengthErr", "trailAngle", "trailAngleErr", "trailChi2", "trailNdata", "trailAlgorithm"),
    *("trail_flag", "trail_flag_edge", "dipoleMeanFlux", "dipoleMeanFluxErr", "dipoleFluxDiff"),
    *("dipoleFluxDiffErr", "dipoleLength", "dipoleAngle", "dipoleChi2", "dipoleNdata", "dipoleFitAttempted"),
    *("templateFlux", "templateFluxErr", "psfLnL", "ixx", "iyy", "ixy", "ixxPSF", "iyyPSF", "ixyPSF"),
    *("extendedness", "reliabilityVersion", "timeProcessedMjdTai", "time_processed", "parentDiaSourceId"),
}
UNDERSTOOD = {*PICTURE_COLUMNS, "timeWithdrawnMjdTai"}


def columns_of(schema, table):
    """The columns of a table, of the schema's own or of those that it refers to."""
    (root,) = lsst.sdm.schemas.__path__
    definition = yaml.safe_load((Path(root) / f"{schema}.yaml").read_text())
    (found,) = (t for t in definition["tables"] if t["name"] == table)
    names = {column["name"] for column in found.get("columns", ())}
    for tables in found.get("columnRefs", {}).values():
        names |= set().union(*tables.values())
    return names


@pytest.mark.parametrize("schema", ["dp1", "dp2", "dp2_prompt", "lsstcam", "apdb"])
def test_every_column_of_the_schemas_is_understood_or_not_needed(schema):
    columns = columns_of(schema, "DiaSource")
    assert len(columns) > 80
    names = {current_name(name) for name in columns}
    assert names - UNDERSTOOD - NOT_NEEDED == set()
    assert {"diaSourceId", "visit", "detector", "ra", "dec", "band", "reliability", "psfFlux"} <= names


def test_the_lists_of_columns_do_not_contradict_each_other():
    assert NOT_NEEDED.isdisjoint(UNDERSTOOD)
    assert {current_name(name) for name in SYNONYMS.values()} <= {*SYNONYMS.values()}
    everywhere = set().union(*(columns_of(s, "DiaSource") for s in ("dp1", "dp2", "lsstcam", "apdb")))
    assert NOT_NEEDED - everywhere == set()


@pytest.mark.parametrize("identifier", ["forcedSourceOnDiaObjectId", "diaForcedSourceId"])
def test_forced_measurements_show_what_they_measured(identifier):
    columns = {
        identifier: [2**60 + 1],
        "diaObjectId": [5],
        "coord_ra": [150.0],
        "coord_dec": [-2.0],
        "visit": [7],
        "detector": [3],
        "psfFlux": [1000.0],
        "psfFluxErr": [30.0],
        "psfFlux_flag": [False],
    }
    (table,) = arrow_tables(pa.table(columns))
    (row,) = table.to_pylist()
    assert (row["diaSourceId"], row["ra"], row["dec"], row["psfFlux"]) == (2**60 + 1, 150.0, -2.0, 1000.0)
    # Where both images were measured, psfFlux is that of the science image.
    difference = {"psfDiffFlux": [-20.0], "psfDiffFluxErr": [4.0], "psfDiffFlux_flag": [True]}
    (table,) = arrow_tables(pa.table(columns | difference))
    (row,) = table.to_pylist()
    expected = {"psfFlux": -20.0, "psfFluxErr": 4.0, "psfFlux_flag": True}
    expected |= {"scienceFlux": 1000.0, "scienceFluxErr": 30.0, "forced_PsfFlux_flag": False}
    assert {name: row[name] for name in expected} == expected
    assert not [name for name in row if "Diff" in name]


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_services_may_spell_columns_in_their_own_way(spelling):
    columns = {"diaSourceId": [1], "visit": [2], "detector": [3], "ra": [4.0], "dec": [5.0], "psfFlux": [6.0]}
    columns |= {"pixelFlags_saturatedCenter": [True], "midpointMjdTai": [61000.0]}
    (table,) = arrow_tables(pa.table({spelling(name): values for name, values in columns.items()}))
    assert table.select(list(columns)).to_pydict() == columns


@pytest.fixture(scope="module")
def release(demo, sources, tmp_path_factory):
    """The small sky with its tables by tract, and one of solar-system sources in a run of its own."""
    from lsst.daf.butler import Butler, DatasetType

    root = tmp_path_factory.mktemp("release") / "repo"
    shutil.copytree(demo.repo, root)
    solar = pd.DataFrame(
        {
            "ssObjectId": np.arange(5) + 2**61,
            "diaSourceId": sources["diaSourceId"].iloc[[3, 1, 4, 0, 9]].to_numpy(),
            "phaseAngle": np.linspace(0, 1, 5),
        }
    )
    with Butler.from_config(str(root), collections=demo.collection, run="release", writeable=True) as butler:
        put = butler.registry.insertDimensionData
        put(
            "skymap", {"name": "map", "hash": b"0" * 20, "tract_max": 2, "patch_nx_max": 1, "patch_ny_max": 1}
        )
        for tract in (0, 1):
            put("tract", {"skymap": "map", "id": tract})
        for name, dimensions, storage in (
            ("dia_source", ["skymap", "tract"], "ArrowAstropy"),
            ("ss_source", ["instrument"], "ArrowAstropy"),
        ):
            butler.registry.registerDatasetType(
                DatasetType(name, butler.dimensions.conform(dimensions), storage)
            )
        from lsst.daf.butler.formatters.parquet import arrow_to_astropy

        frame = sources.dropna(axis=1, how="all").rename(columns={"ra": "coord_ra", "dec": "coord_dec"})
        for tract, rows in enumerate(np.array_split(np.arange(len(frame)), 2)):
            part = pa.Table.from_pandas(frame.iloc[rows], preserve_index=False)
            butler.put(arrow_to_astropy(part), "dia_source", skymap="map", tract=tract)
        butler.registry.registerRun("solar")
        solar_table = arrow_to_astropy(pa.Table.from_pandas(solar))
        butler.put(solar_table, "ss_source", instrument=demo.instrument, run="solar")
    with Butler.from_config(str(root), collections=("release", "solar"), writeable=False) as butler:
        yield butler, solar


def test_tables_by_tract_are_one_catalogue_in_the_order_of_visits(release, sources):
    butler, _ = release
    pages = list(open_butler_tables(butler, "dia_source").read(Selection(), ["psfFlux"]))
    found = [i for page in pages for i in page.column("diaSourceId").to_pylist()]
    assert found == sources.sort_values(["visit", "detector", "diaSourceId"])["diaSourceId"].to_list()


def test_of_a_large_table_only_the_wanted_columns_are_read(release, monkeypatch):
    butler, _ = release
    read = []
    get = butler.get

    def count(*args, **kwargs):
        found = get(*args, **kwargs)
        if hasattr(found, "colnames"):
            read.append(len(found.colnames))
        return found

    monkeypatch.setattr(butler, "get", count)
    (page,) = open_butler_tables(butler, "dia_source").read(Selection(snr_min=0), ["band"])
    assert read == [8, 8]  # the five, and band, snr and diaObjectId or the like
    assert {"band", "snr", "ra", "diaSourceId"} <= set(page.column_names)


def test_rows_that_cannot_be_read_are_counted_over_all_tables(release, monkeypatch):
    butler, _ = release
    get = butler.get

    def spoiled(ref, **kwargs):
        table = get(ref, **kwargs)
        if hasattr(table, "colnames"):
            table["visit"] = ["x", *map(str, table["visit"][1:])]
            table["diaSourceId"] = ["y", *map(str, table["diaSourceId"][1:])]
        return table

    monkeypatch.setattr(butler, "get", spoiled)
    pages = list(open_butler_tables(butler, "dia_source").read(Selection()))
    found = {
        b.rows.column("diaSourceId")[r].as_py() for b in group_by_detector(pages, "X") for r in b.reasons
    }
    sizes = [len(get(ref)) for ref in butler.query_datasets("dia_source")]
    assert found in ({-1, -1 - size} for size in sizes)


def test_solar_system_sources_are_joined_to_their_detections(release, sources):
    butler, solar = release
    rows = [
        row for page in open_butler_tables(butler, "ss_source").read(Selection()) for row in page.to_pylist()
    ]
    by_id = sources.set_index("diaSourceId")
    assert {row["diaSourceId"] for row in rows} == set(solar["diaSourceId"])
    for row in rows:
        (told,) = solar[solar["diaSourceId"] == row["diaSourceId"]].to_dict("records")
        assert (row["ssObjectId"], row["phaseAngle"]) == (told["ssObjectId"], told["phaseAngle"])
        assert row["ra"] == by_id.loc[row["diaSourceId"], "ra"]
        assert row["visit"] == by_id.loc[row["diaSourceId"], "visit"]
    some = Selection(where="phaseAngle > 0.4 and snr is not None", limit=2)
    chosen = [row for page in open_butler_tables(butler, "ss_source").read(some) for row in page.to_pylist()]
    assert len(chosen) == 2
    assert all(row["phaseAngle"] > 0.4 for row in chosen)


def test_solar_system_sources_without_detections_say_what_is_missing(release):
    butler = release[0].clone(collections="solar")
    with pytest.raises(
        CutoutsError, match=r"ss_source has no positions, and none of dia_source, .* is there"
    ):
        open_butler_tables(butler, "ss_source")
