"""The options that say which DiaSources, on a real repository."""

import csv
import dataclasses
import os
import re
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.time import Time
from tests.reading import listed as ids

from lsst.analysis.ap.cli.cutouts import main
from lsst.analysis.ap.sources import PICTURE_COLUMNS, Selection, SqlApdb, circle


@pytest.fixture(scope="module")
def sources(demo):
    (table,) = SqlApdb.from_sqlite(demo.apdb).read(Selection())
    frame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame.astype({"diaSourceId": int, "visit": int, "detector": int})


def test_every_catalogue_gives_the_same_pictures(demo, words, apdb, sources, tmp_path):
    sources.sample(frac=1, random_state=1).to_parquet(tmp_path / "c.parquet")
    sources.to_parquet(tmp_path / "parts", partition_cols=["visit", "detector"])
    choice = ["--snr-min", "3", "--exclude-flags", "pixelFlags_cr", "--sample", "9", "--stratify", "band"]
    catalogues = {
        "apdb": apdb,
        "config": ["--apdb", str(demo.apdb_config)],
        "file": ["--catalog", str(tmp_path / "c.parquet")],
        "folder": ["--catalog", str(tmp_path / "parts")],
        "uri": ["--catalog", (tmp_path / "c.parquet").as_uri()],
        "butler": ["--catalog-dataset", "dia_source_detector"],
    }
    made = {}
    for name, catalogue in catalogues.items():
        out = tmp_path / name
        assert main([*catalogue, *choice, "-c", "addMetadata=True", *words, str(out)]) == 0
        made[name] = {path.name: path.read_bytes() for path in out.glob("*.png")}
        assert (out / "manifest.csv").read_text() == (tmp_path / "apdb" / "manifest.csv").read_text()
    assert len(made["apdb"]) == 9
    for name, pictures in made.items():
        assert pictures == made["apdb"], name


def test_options_become_the_selection(words, apdb, sources, tmp_path):
    s = sources
    ra, dec = s["ra"].median(), s["dec"].median()
    table = tmp_path / "ids.txt"
    table.write_text("".join(f"{i}\n" for i in s["diaSourceId"][:3]))
    visit, day = s["visit"].iloc[0], s["midpointMjdTai"].iloc[0]
    late = s["midpointMjdTai"].median() + 1e-4
    cases = {
        f"--visit {visit} --detector 0,7": (s["visit"] == visit) & (s["detector"] == 0),
        f"--band {s['band'].iloc[0]} --detector 1": (s["band"] == s["band"].iloc[0]) & (s["detector"] == 1),
        f"--time-max {day + 0.5} --reliability-min 0.4": (s["midpointMjdTai"] <= day + 0.5)
        & (s["reliability"] >= 0.4),
        f"--time-min {Time(late, format='mjd', scale='tai').isot}": s["midpointMjdTai"] >= late,
        f"--ids {table}": s.index < 3,
        f"--ids {s['diaSourceId'][4]},{s['diaSourceId'][5]}": s.index.isin([4, 5]),
        f"--object-ids {s['diaObjectId'][0]}": s["diaObjectId"] == s["diaObjectId"][0],
        "--snr-min 5 --snr-max 20": s["snr"].abs().between(5, 20),
        "--reliabilityMin 0.2 --reliabilityMax 0.6": s["reliability"].between(0.2, 0.6),
        "--require-flags isNegative": s["isNegative"],
    }
    for number, (options, wanted) in enumerate(cases.items()):
        out = tmp_path / str(number)
        assert main([*apdb, *options.split(), *words, str(out)]) == 0, options
        assert sorted(ids(out)) == sorted(s["diaSourceId"][wanted]), options
    out = tmp_path / "where"
    main([*apdb, "--where", "snr > 30 and band in ('r', 'i')", *words, str(out)])
    assert sorted(ids(out)) == sorted(s["diaSourceId"][s["snr"] > 30])
    out = tmp_path / "circle"
    main([*apdb, f"--circle={ra},{dec},0.005", *words, str(out)])
    (table,) = SqlApdb.from_sqlite(apdb[1]).read(Selection(regions=(circle(ra, dec, 0.005),)))
    assert sorted(ids(out)) == sorted(table.column("diaSourceId").to_pylist())


def test_options_choose_among_sources(words, apdb, sources, tmp_path):
    def chosen(*options):
        out = tmp_path / "_".join(options)
        assert main([*apdb, *options, *words, str(out)]) == 0
        return sorted(ids(out))

    s = sources.dropna(subset="diaObjectId")
    strongest = s.loc[s["snr"].abs().groupby(s["diaObjectId"]).idxmax(), "diaSourceId"]
    alone = sources["diaSourceId"][sources["diaObjectId"].isna()]
    assert chosen("--one-per-object") == sorted([*strongest, *alone])
    samples = {seed: chosen("--sample", "4", "--seed", seed) for seed in ("0", "1", "2")}
    for seed, found in samples.items():
        (table,) = SqlApdb.from_sqlite(apdb[1]).read(Selection(sample=4, seed=int(seed)))
        assert found == sorted(table.column("diaSourceId").to_pylist())
    assert samples["1"] != samples["2"]
    assert chosen("--sample", "4") == samples["0"]
    first = sources.sort_values(["visit", "detector", "diaSourceId"])["diaSourceId"].head(3)
    assert chosen("-n", "3") == sorted(first)
    # As in plotImageSubtractionCutouts, where it is the size of a page then.
    assert chosen("--limit", "3", "--all") == sorted(sources["diaSourceId"])


def test_a_list_of_identifiers_may_come_through_a_pipe(words, apdb, sources, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    wanted = sources["diaSourceId"][:3].to_list()
    text = "".join(f"{identifier}\n" for identifier in wanted)
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=[text])
    writer.start()
    out = tmp_path / "out"
    assert main([*apdb, "--ids", str(tmp_path / "pipe"), *words, str(out)]) == 0
    writer.join()
    assert sorted(ids(out)) == sorted(wanted)


OPTIONS_WITH_VALUES = [
    *("--ids", "--object-ids", "--reliability-min", "--reliability-max", "--snr-min", "--snr-max", "--band"),
    *("--visit", "--detector", "--time-min", "--time-max", "--circle", "--polygon", "--exclude-flags"),
    *(
        "--require-flags",
        "--where",
        "--latest",
        "--sample",
        "--seed",
        "--stratify",
        "--limit",
        "--data-query",
    ),
    *("--namespace", "--flag-map", "--instrument", "--collections", "-C", "-c"),
]


@pytest.mark.parametrize("option", OPTIONS_WITH_VALUES)
def test_an_option_that_is_given_and_empty_is_refused(words, apdb, tmp_path, refused, option):
    for value in ("", " ", ",") if option.startswith("--") else ("",):
        given = [f"{option}={value}"] if option.startswith("--") else [option, value]
        said = refused([*apdb, *given, *words, str(tmp_path / "out")])
        assert "given and empty" in said, value
        assert option in said or option in ("-c", "-C"), said
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_given_and_empty_is_refused(words, apdb, tmp_path, refused):
    assert "outdir is given and empty" in refused([*apdb, *words, ""])
    assert "repo is given and empty" in refused([*apdb, *words[:-1], "", str(tmp_path / "out")])
    for source in ("--sqlitefile", "--postgres-url", "--apdb", "--catalog", "--catalog-dataset"):
        said = refused([source, "", *words, str(tmp_path / "out")])
        assert f"{source[2:].replace('-', '_')} is given and empty" in said


def test_numbers_that_fit_nowhere_are_refused(words, apdb, tmp_path, refused):
    huge = str(10**23)
    for option in ("--limit", "--sample", "--latest", "--visit", "--detector", "--ids", "--object-ids"):
        assert huge in refused([*apdb, option, huge, *words, str(tmp_path / "out")])
    for option in ("--limit", "--sample"):
        assert option in refused([*apdb, option, "0", *words, str(tmp_path / "out")])
    assert "--snr-min" in refused([*apdb, "--snr-min", "nan", *words, str(tmp_path / "out")])
    assert (
        main([*apdb, "--seed", huge, "--sample", "2", "--reliability-max", "1e999", "--dry-run", *words]) == 0
    )


def test_a_namespace_alone_is_looked_for_where_the_published_tool_does(words, tmp_path, refused, monkeypatch):
    monkeypatch.setattr("lsst.analysis.ap.cli._sources._PUBLISHED_URL", "rubin@localhost:1/db")
    for options in (["--namespace", "x"], ["--namespace", "x", "--postgres_url", "rubin@localhost:1/db"]):
        said = refused([*options, *words, str(tmp_path / "out")])
        assert said.startswith("zooniverseCutouts: error: Database postgresql")
        assert "rubin@localhost:1/db cannot be read" in said


def test_a_polygon_is_given_by_its_corners(words, apdb, sources, tmp_path):
    west, east = sources["ra"].quantile([0.2, 0.8])
    south, north = sources["dec"].quantile([0.2, 0.8])
    corners = f"{west},{south},{east},{south},{east},{north},{west},{north}"
    assert main([*apdb, "--polygon", corners, *words, str(tmp_path)]) == 0
    # The sides are great circles, no parallels: a source near one may be either.
    inside = sources[sources["ra"].between(west, east) & sources["dec"].between(south, north)]
    assert set(ids(tmp_path)) ^ set(inside["diaSourceId"]) == set()


def test_only_tables_of_the_data_query_are_read(words, sources, tmp_path):
    visit = sources["visit"].iloc[0]
    query = ["--catalog-dataset", "dia_source_detector", "--data-query", f"visit={visit} AND detector IN (1)"]
    assert main([*query, *words, str(tmp_path)]) == 0
    wanted = sources["diaSourceId"][(sources["visit"] == visit) & (sources["detector"] == 1)]
    assert sorted(ids(tmp_path)) == sorted(wanted)


def test_positions_without_sources_are_shown_by_every_image_that_covers_them(
    words, sources, tmp_path, manifest
):
    place = sources.iloc[0]
    text = f"name,ra,dec\nhere,{place['ra']},{place['dec']}\nnowhere,10.0,80.0\n"
    (tmp_path / "places.csv").write_text(text)
    places = ["--catalog", str(tmp_path / "places.csv")]
    assert main([*places, *words, str(tmp_path / "all")]) == 1  # nothing covers one of them
    rows = manifest(tmp_path / "all")
    shown = {(int(row["#visit"]), int(row["#detector"])) for row in rows}
    assert (place["visit"], place["detector"]) in shown
    # The small sky is one field, seen by the same detector in each of its visits.
    assert shown == {(visit, place["detector"]) for visit in sources["visit"].unique()}
    assert all(int(row["diaSourceId"]) < 0 for row in rows)
    assert all(row["filename"] == f"position_{row['diaSourceId'][1:]}.png" for row in rows)
    assert main([*places, "--latest", "1", *words, str(tmp_path / "latest")]) == 1
    (row,) = manifest(tmp_path / "latest")
    assert row == max(rows, key=lambda row: float(row["#midpointMjdTai"]))
    assert main([*places, *words, str(tmp_path / "all")]) == 1
    assert manifest(tmp_path / "all") == rows


def test_a_dry_run_counts_and_makes_nothing(words, apdb, sources, tmp_path, capsys):
    assert main([*apdb, "--reliability-min", "0.2", "--dry-run", *words, str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    chosen = sources[sources["reliability"] >= 0.2]
    images = len(chosen[["visit", "detector"]].drop_duplicates())
    assert f"{len(chosen)} DiaSources on {images} images of {chosen['visit'].nunique()} visits" in said
    for band, count in chosen["band"].value_counts().items():
        assert re.search(rf"^ +{band} +{count}$", said, re.MULTILINE)
    tenths = np.minimum((chosen["reliability"].astype(float) * 10).astype(int), 9)
    for tenth, count in tenths.value_counts().items():
        assert re.search(rf"^ +0\.{tenth} to .* {count}$", said, re.MULTILINE)
    assert not (tmp_path / "out").exists()


def test_a_dry_run_needs_no_repository(apdb, sources, capsys):
    assert main(["--quiet", *apdb, "--dry-run"]) == 0
    assert f"{len(sources)} DiaSources" in capsys.readouterr().out


def test_a_database_is_asked_for_all_that_a_picture_can_show():
    from lsst.analysis.ap.render._annotation import annotation
    from lsst.analysis.ap.render._colors import Ink
    from lsst.analysis.ap.sources._synonyms import current_name

    asked = set()

    class Row(dict):
        def get(self, name, default=None):
            asked.add(name)
            return super().get(name, default)

    list(annotation(Row(), Ink(*[(0, 0, 0)] * len(dataclasses.fields(Ink)))))
    assert asked
    assert {current_name(name) for name in asked} <= set(PICTURE_COLUMNS)


@pytest.fixture
def catalogue(sources, tmp_path):
    """Write a changed catalogue and return the words that name it."""

    def write(frame):
        path = tmp_path / "changed.parquet"
        frame.to_parquet(path)
        return ["--catalog", str(path)]

    return write


def test_what_is_wrong_with_all_sources_is_refused_with_the_count(
    words, sources, catalogue, tmp_path, refused
):
    n, out = len(sources), str(tmp_path / "out")
    nowhere = sources.assign(ra=np.nan)
    cases = {
        f"None of the {n} sources has a position": nowhere,
        f"None of the {n} sources has a visit": sources.assign(detector=pd.array([None] * n, dtype="Int64")),
        f"instrument HSC ({n} sources); it has DemoCam": sources.assign(instrument="HSC"),
        f"None of the {n} sources has a picture; of the first one: ra is '10:00:00', not": sources.assign(
            ra="10:00:00"
        ),
        f"All {n} positions are in radians": sources.assign(
            ra=np.radians(sources["ra"]), dec=np.radians(sources["dec"])
        ),
        f"All {n} right ascensions are in hours": sources.assign(ra=sources["ra"] / 15),
    }
    for said, frame in cases.items():
        assert said in refused([*catalogue(frame), *words, out]), said


def test_what_is_wrong_with_some_sources_is_told_with_the_count(demo, sources, catalogue, tmp_path, caplog):
    frame = pd.concat([sources, sources.head(2)], ignore_index=True)
    frame["detector"] = frame["detector"].astype("Int64")
    frame.loc[3:5, "dec"] = np.nan
    frame.loc[7, "detector"] = None
    frame["visit"] = frame["visit"].astype(str)
    frame.loc[9, "visit"] = "tonight"
    n = len(frame)
    words = ["--collections", demo.collection, str(demo.repo), str(tmp_path / "out")]
    assert main([*catalogue(frame), *words]) == 1
    assert f"3 of {n} sources have no position" in caplog.text
    assert f"2 of {n} sources have no visit or no detector" in caplog.text
    assert f"1 of {n} sources cannot be read" in caplog.text
    assert "of the first one: visit is 'tonight', not a whole number." in caplog.text
    with open(tmp_path / "out" / "failures.csv", newline="") as stream:
        failures = {row["diaSourceId"]: row["reason"] for row in csv.DictReader(stream)}
    assert failures[str(frame["diaSourceId"][9])] == "visit is 'tonight', not a whole number"
    assert len(failures) == 5
    assert "2 rows repeat a diaSourceId" in caplog.text


def test_identifiers_that_are_not_there_are_counted(demo, apdb, sources, caplog):
    some = ",".join(map(str, [*sources["diaSourceId"][:3], 1, 2]))
    assert main([*apdb, "--ids", some, "--dry-run"]) == 0
    assert "2 of the 5 diaSourceIds are not in the catalogue" in caplog.text


def test_wrong_options_are_one_line(demo, words, apdb, tmp_path, refused):
    out = str(tmp_path / "out")
    (tmp_path / "map.yaml").write_text("columns: 3\n")
    cases = {
        "circle is '1,2', not right ascension, declination and radius": [*apdb, "--circle", "1,2"],
        "circle is 'x,y,z', not": [*apdb, "--circle", "x,y,z"],
        "of each corner in degrees. (On the command line: --polygon.)": [*apdb, "--polygon", "1,2,3"],
        "not an MJD, or a date": [*apdb, "--time-min", "yesterday"],
        "stratify is 'reliability:x', not columns": [*apdb, "--sample", "3", "--stratify", "reliability:x"],
        "stratified by 'ra'": [*apdb, "--sample", "3", "--stratify", "ra"],
        "by a number of bins, as reliability:10": [*apdb, "--sample", "3", "--stratify", "reliability"],
        "nothing to stratify": [*apdb, "--stratify", "band"],
        "range 3.0 to 2.0 is empty": [*apdb, "--snr-min", "3", "--snr-max", "2"],
        "cannot be parsed": [*apdb, "--where", "snr >"],
        "no column 'unheard'": [*apdb, "--where", "unheard > 1"],
        "no file nowhere.txt": [*apdb, "--ids", "nowhere.txt"],
        "--data-query says": [*apdb, "--data-query", "visit=1"],
        "--namespace belongs": [*apdb, "--namespace", "x"],
        "--tap-url says": [*apdb, "--tap-url", "https://host/tap"],
        "TAP service http://localhost:1/tap cannot be asked": [
            "--tap",
            "SELECT",
            "--tap-url",
            "http://localhost:1/tap",
        ],
        "Flag map": [*apdb, "--flag-map", str(tmp_path / "map.yaml")],
        "no dataset type 'unheard'": ["--catalog-dataset", "unheard"],
        "cannot be found": ["--catalog-dataset", "dia_source_detector", "--data-query", "x y z"],
        "There is no dia_source_detector": [
            "--catalog-dataset",
            "dia_source_detector",
            "--data-query",
            "instrument='DemoCam' AND visit=7",
        ],
    }
    for said, command in cases.items():
        assert said in refused([*command, *words, out]), said


@pytest.fixture
def alerts(tmp_path):
    """Three alerts of ZTF in two files; the second one lacks a stamp."""
    import io

    import fastavro
    from astropy.io import fits

    rng = np.random.default_rng(2)

    def stamp():
        file = io.BytesIO()
        fits.PrimaryHDU(rng.normal(size=(63, 63)).astype(np.float32)).writeto(file)
        return file.getvalue()

    numbers = {"jd": 2459000.5, "ra": 10.0, "dec": 20.0}
    fields = [{"name": name, "type": "double"} for name in numbers]
    fields += [{"name": name, "type": "long"} for name in ("pid", "rcid")]
    roles = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
    schema = {
        "type": "record",
        "name": "alert",
        "fields": [
            {"name": "candid", "type": "long"},
            {"name": "candidate", "type": {"type": "record", "name": "candidate", "fields": fields}},
            *({"name": role, "type": ["null", "bytes"]} for role in roles),
        ],
    }
    packets = [
        {"candid": i, "candidate": numbers | {"pid": 7, "rcid": i}, **{role: stamp() for role in roles}}
        for i in (1, 2, 3)
    ]
    packets[1]["cutoutScience"] = None
    paths = [tmp_path / "one.avro", tmp_path / "more.avro"]
    for path, some in zip(paths, (packets[:1], packets[1:]), strict=True):
        with path.open("wb") as stream:
            fastavro.writer(stream, schema, some)
    return [str(path) for path in paths]


@pytest.mark.parametrize("order", ["last", "first", "behind an option"])
def test_alerts_become_pictures_of_their_own_stamps(alerts, tmp_path, order):
    from matplotlib.image import imread

    out = tmp_path / "out"
    words = {
        "last": ["--alerts", *alerts, str(out)],
        "first": [str(out), "--alerts", *alerts],
        "behind an option": ["--alerts", *alerts, "-j", "2", str(out)],
    }[order]
    assert main(["--quiet", *words]) == 1  # one of them lacks a stamp
    assert ids(out) == [1, 3]
    assert "science stamp" in (out / "failures.csv").read_text()
    pictures = [imread(out / f"{i}.png") for i in (1, 3)]
    assert pictures[0].shape == pictures[1].shape
    assert not np.array_equal(*pictures)


def test_alerts_can_be_selected_and_counted(alerts, tmp_path, capsys):
    assert main(["--quiet", "--detector", "3", "--alerts", *alerts, str(tmp_path / "out")]) == 0
    assert ids(tmp_path / "out") == [3]
    capsys.readouterr()
    assert main(["--quiet", "--dry-run", "--alerts", *alerts]) == 0
    assert "3 DiaSources on 3 images of 1 visit\n" in capsys.readouterr().out


def test_alerts_take_no_repository(alerts, words, tmp_path, refused):
    assert "no repository" in refused(["--alerts", *alerts, "-j", "1", *words, str(tmp_path / "out")])
    assert "no repository" in refused(["--alerts", alerts[0]])
