"""The pipeline task, and the export that gives the files of a direct run."""

import importlib.util
import json
import logging
import pickle
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, nullcontext
from pathlib import Path

import astropy.table
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from lsst.daf.butler import Butler, CollectionType, DatasetType, DimensionUniverse
from lsst.pipe.base import (
    AlgorithmError,
    Pipeline,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    connectionTypes,
)
from lsst.pipe.base.pipeline_graph import IncompatibleDatasetTypeError
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor

from lsst.analysis.ap import (
    CutoutsError,
    ZooniverseCutoutsConfig,
    ZooniverseCutoutsExportConfig,
    ZooniverseCutoutsExportTask,
    ZooniverseCutoutsPipelineConfig,
    ZooniverseCutoutsPipelineTask,
    ZooniverseCutoutsTask,
)
from lsst.analysis.ap._version import software_version
from lsst.analysis.ap.cli.export import main
from lsst.analysis.ap.domain import UnreadableError
from lsst.analysis.ap.output.config import OutputConfig
from lsst.analysis.ap.sources import FlagMap, Meanings, Selection, circle, open_butler_tables
from lsst.analysis.ap.stamps.config import StampsConfig

ROOT = Path(__file__).parents[1]
FILE_FIELDS = {*OutputConfig._fields, *StampsConfig._fields}


def run_pipeline(
    repo,
    output="u/test/cutouts",
    where="",
    inputs=("DemoCam/runs/demo",),
    raise_on_partial_outputs=True,
    **fields,
):
    """Run the pipeline task, and return the butler of what it put."""
    config = ZooniverseCutoutsPipelineConfig()
    for name, value in fields.items():
        part, _, field = name.rpartition("__")
        setattr(getattr(config, part) if part else config, field, value)
    butler = SimplePipelineExecutor.prep_butler(str(repo), inputs, output)
    executor = SimplePipelineExecutor.from_task_class(
        ZooniverseCutoutsPipelineTask,
        config,
        butler=butler,
        where=where,
        raise_on_partial_outputs=raise_on_partial_outputs,
    )
    executor.run(register_dataset_types=True)
    return Butler.from_config(repo, collections=output)


def run_directly(repo, outdir, selection=None, collections="DemoCam/runs/demo", **fields):
    butler = Butler.from_config(repo, collections=collections)
    config = ZooniverseCutoutsConfig()
    config.update(**fields)
    selection = selection or Selection()
    sources = open_butler_tables(butler, "dia_source_detector").read(selection)
    asked = {"selection": selection.in_words()}
    return ZooniverseCutoutsTask(config, butler=butler).run(sources, outdir, asked=asked)


@pytest.fixture(scope="module")
def plain(demo, tmp_path_factory):
    """A repository with the pictures of a run with the defaults; not to be written to."""
    repo = shutil.copytree(demo.repo, tmp_path_factory.mktemp("plain") / "repo")
    run_pipeline(repo)
    return repo


@pytest.fixture
def finished(plain, tmp_path):
    """A copy of it, and the butler of its pictures."""
    repo = shutil.copytree(plain, tmp_path / "finished")
    return repo, Butler.from_config(repo, collections="u/test/cutouts")


def export(butler, outdir, jobs=1, **fields):
    config = ZooniverseCutoutsExportConfig()
    config.update(**fields)
    return ZooniverseCutoutsExportTask(config, butler=butler).run(outdir, jobs=jobs)


def contents(folder):
    """Return every file but those that tell of the run itself, and what the journal holds."""
    files = (
        p
        for p in folder.rglob("*")
        if p.is_file() and p.name not in ("report.json", "config.py", "README.md")
    )
    found = {p.relative_to(folder): p.read_bytes() for p in files}
    found = {path: content for path, content in found.items() if path.parts[0][0] != "."}
    with closing(sqlite3.connect(folder / ".journal.sqlite3")) as journal:
        for table in ("picture", "failure"):
            query = f"SELECT * FROM {table} ORDER BY diaSourceId"
            found[table] = journal.execute(query).fetchall()
    return found


@pytest.mark.parametrize(
    "fields",
    [
        {"addMetadata": True, "manifestRows": 7, "chunkSize": 1000},
        {
            "sizes": [30, 21, 30],
            "separatePanels": True,
            "urlRoot": "https://host",
            "subjectFrames": ["science"],
        },
        {"manifestOrder": "random:3", "manifestColumns": ["+#bright=snr > 10"], "chunkFiles": 5},
        {"sizes": [51], "writeStamps": "npy", "manifestStyle": "citsci"},
        {"sizes": [30, 20], "writeStamps": "parquet"},
        {"useFootprint": True, "maskPlanes": ["SAT"], "addMetadata": True, "writeStamps": "npy"},
    ],
    ids=["annotated", "panels", "folders", "stamps", "stamps-of-two-sizes", "footprints"],
)
def test_the_export_gives_the_files_of_a_direct_run(repo, tmp_path, fields):
    run_directly(repo, tmp_path / "direct", **fields)
    looks = {f"pictures__{name}": value for name, value in fields.items() if name not in FILE_FIELDS}
    butler = run_pipeline(repo, putStamps="writeStamps" in fields, **looks)
    files = {name: value for name, value in fields.items() if name in FILE_FIELDS}
    result = export(butler, tmp_path / "export", **files)
    assert result.failed == []
    assert len(result.written) >= 16
    expected = contents(tmp_path / "direct")
    assert len(expected) > 18
    assert contents(tmp_path / "export") == expected
    reports = [json.loads((tmp_path / n / "report.json").read_text()) for n in ("direct", "export")]
    settings = [report["settings"] for report in reports]
    # A quantum knows its instrument, and need not be told.
    assert settings[0].pop("instrument") is None
    assert settings[0].keys() == settings[1].keys()
    different = {name for name, value in settings[0].items() if settings[1][name] != value}
    assert different == {"collections", "repository"}


def test_processes_and_repeats_change_nothing(finished, tmp_path):
    _, butler = finished
    first = export(butler, tmp_path / "one")
    export(butler, tmp_path / "two", jobs=2)
    expected = contents(tmp_path / "one")
    assert contents(tmp_path / "two") == expected
    for path in list((tmp_path / "two").glob("*.png"))[:3]:
        path.unlink()
    again = export(butler, tmp_path / "two")
    assert (len(again.written), len(again.skipped)) == (3, len(first.written) - 3)
    assert contents(tmp_path / "two") == expected


def test_of_repeated_sources_the_first_counts(repo, tmp_path):
    writer = Butler.from_config(repo, writeable=True, run="u/test/repeated")
    (ref, *_) = writer.query_datasets("dia_source_detector", collections="DemoCam/runs/demo")
    table = writer.get(ref)
    again = table[:3].copy()
    again["ra"] += 2e-3
    again["snr"] = 99.0
    both = astropy.table.vstack([table, again], metadata_conflicts="silent")
    writer.put(both, "dia_source_detector", ref.dataId)
    collections = ("u/test/repeated", "DemoCam/runs/demo")
    butler = run_pipeline(repo, inputs=collections, putStamps=True)
    files = {"writeStamps": "npy", "manifestColumns": ["#snr"]}
    direct = run_directly(repo, tmp_path / "direct", collections=collections, **files)
    assert export(butler, tmp_path / "export", **files).written == direct.written
    assert contents(tmp_path / "export") == contents(tmp_path / "direct")


def test_bad_images_cost_their_sources_and_no_quantum(repo, tmp_path, caplog):
    writer = Butler.from_config(repo, collections="DemoCam/runs/demo", writeable=True)
    missing, damaged, unharmed, *_ = writer.query_datasets("template_detector")
    path = Path(writer.getURI(damaged).ospath)
    path.write_bytes(path.read_bytes()[: 3 * 2880])
    writer.pruneDatasets([missing], disassociate=True, unstore=True, purge=True)
    butler = run_pipeline(repo, putStamps=True)
    tables = {ref.dataId: butler.get(ref) for ref in butler.query_datasets("dia_source_cutouts")}
    assert len(tables) == 4
    reasons = {}
    for data_id, table in tables.items():
        assert pc.all(pc.xor(table["png"].is_valid(), table["failure"].is_valid())).as_py()
        reasons[data_id] = set(table["failure"].to_pylist())
    assert all("no template_detector for" in reason for reason in reasons[missing.dataId])
    assert all("truncated" in r or "template" in r for r in reasons[damaged.dataId])
    assert reasons[unharmed.dataId] == {None}
    result = export(butler, tmp_path, writeStamps="npy")
    direct = run_directly(repo, tmp_path / "direct", writeStamps="npy")
    # A direct run tells in addition which collections it searched.
    reasons = [f.reason.replace(" among the inputs of the quantum", "") for f in result.failed]
    assert [f.diaSourceId for f in result.failed] == [f.diaSourceId for f in direct.failed]
    assert reasons == [f.reason.replace(" in DemoCam/runs/demo", "") for f in direct.failed]
    expected = {name: c for name, c in contents(tmp_path / "direct").items() if "fail" not in str(name)}
    assert expected.items() <= contents(tmp_path).items()


@pytest.mark.parametrize("role", ["template", "science", "difference"])
def test_a_graph_without_images_of_one_kind_is_refused(repo, role):
    """As with the name of a data release in a repository of prompt processing."""
    with pytest.raises(CutoutsError) as caught:
        run_pipeline(repo, **{f"connections__{role}": "visit_image"})
    message = str(caught.value)
    assert f"no {role} image, dataset type visit_image, for any of the 4 tables" in message
    assert f"set zooniverseCutouts:connections.{role}" in message


def test_a_table_can_be_read_without_this_package(repo):
    """In a process that cannot import it, as any of the kinds of table that butlers know."""
    butler = run_pipeline(repo, putStamps=True, pictures__sizes=[20, 11])
    (ref, *_) = butler.query_datasets("dia_source_cutouts")
    pictures = butler.get(ref)["png"].to_pylist()
    code = f"""
import sys
sys.modules["lsst.analysis"] = None
from lsst.daf.butler import Butler
butler = Butler.from_config({str(repo)!r}, collections="u/test/cutouts")
(ref, *_) = butler.query_datasets("dia_source_cutouts")
arrow, table, frame = (
    butler.get(ref, storageClass=name) for name in ("ArrowTable", "ArrowAstropy", "DataFrame")
)
assert table["stamps_20"].shape == (len(arrow), 3, 20, 20), table["stamps_20"].shape
assert list(table["png"].data) == arrow["png"].to_pylist() == list(frame["png"])
sys.stdout.buffer.write(b"".join(table["png"].data))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"".join(pictures)


def test_an_all_failed_table_warns_and_can_be_read_too(repo, caplog):
    writer = Butler.from_config(repo, collections="DemoCam/runs/demo", writeable=True)
    (ref, *_) = writer.query_datasets("preliminary_visit_image")
    writer.pruneDatasets([ref], disassociate=True, unstore=True, purge=True)
    butler = run_pipeline(repo, putStamps=True)
    table = butler.get("dia_source_cutouts", ref.dataId, storageClass="ArrowAstropy")
    (warning,) = [r.getMessage() for r in caplog.records if "sources of" in r.getMessage()]
    assert f"All {len(table)} sources of" in warning
    assert f"visit: {ref.dataId['visit']}, detector: {ref.dataId['detector']}" in warning
    assert "science image" in warning
    assert isinstance(table, astropy.table.Table)
    assert table["png"].mask.all()
    assert table["stamps"].shape[1:] == (3, 30, 30)


def test_a_selection_is_that_of_the_direct_run(repo, tmp_path, caplog):
    butler = Butler.from_config(repo, collections="DemoCam/runs/demo")
    sources = pa.concat_tables(open_butler_tables(butler, "dia_source_detector").read(Selection()))
    ra, dec = (pc.mean(sources[name]).as_py() for name in ("ra", "dec"))
    wanted = Selection(
        reliability_min=0.1,
        snr_min=5.5,
        where="not isDipole",
        excluded_flags=("pixelFlags_edge",),
        regions=(circle(ra, dec, 0.02),),
    )
    direct = run_directly(repo, tmp_path / "direct", wanted)
    with caplog.at_level(logging.INFO):
        butler = run_pipeline(
            repo,
            selection__reliabilityMin=0.1,
            selection__snrMin=5.5,
            selection__where="not isDipole",
            selection__excludeFlags=["pixelFlags_edge"],
            selection__circle=[ra, dec, 0.02],
        )
    assert 0 < len(direct.written) < len(sources)
    assert export(butler, tmp_path / "export").written == direct.written
    report = json.loads((tmp_path / "export" / "report.json").read_text())
    assert report["settings"]["selection"] == wanted.in_words()
    few = ",".join(map(str, direct.written[:2]))
    butler = run_pipeline(repo, "u/test/ids", selection__ids=few)
    assert export(butler, tmp_path / "ids").written == direct.written[:2]
    # Detectors of which nothing is wanted are no failure, and leave no table.
    assert len(butler.query_datasets("dia_source_cutouts")) <= 2
    butler = run_pipeline(repo, "u/test/sample", "instrument='DemoCam' AND detector = 0", selection__sample=2)
    assert len(export(butler, tmp_path / "sample").written) == 4


def test_packed_flags_are_those_of_the_direct_run(repo, tmp_path):
    writer = Butler.from_config(repo, writeable=True, run="u/test/packed")
    for ref in writer.query_datasets("dia_source_detector", collections="DemoCam/runs/demo"):
        table = writer.get(ref)
        table.remove_columns([name for name in table.colnames if table[name].dtype == bool])
        table["flags"] = [row % 4 for row in range(len(table))]
        writer.put(table, "dia_source_detector", ref.dataId)
    path = tmp_path / "map.yaml"
    path.write_text(
        "tableName: DiaSource\ncolumns:\n  - columnName: flags\n    bitList:\n"
        "      - {name: base_PixelFlags_flag_edge, bit: 0}\n"
        "      - {name: base_PixelFlags_flag_bad, bit: 1}\n"
    )
    collections = ("u/test/packed", "DemoCam/runs/demo")
    butler = run_pipeline(
        repo,
        inputs=collections,
        flagMap=path.as_uri(),
        pictures__addMetadata=True,
        selection__excludeFlags=["pixelFlags_bad"],
    )
    direct = Butler.from_config(repo, collections=collections)
    sources = open_butler_tables(direct, "dia_source_detector", meanings=Meanings(FlagMap.from_file(path)))
    config = ZooniverseCutoutsConfig()
    config.addMetadata = True
    selected = sources.read(Selection(excluded_flags=("pixelFlags_bad",)))
    result = ZooniverseCutoutsTask(config, butler=direct).run(selected, tmp_path / "direct")
    assert export(butler, tmp_path / "export").written == result.written
    assert len(result.written) > 0
    assert contents(tmp_path / "export") == contents(tmp_path / "direct")
    with pytest.raises(UnreadableError, match=r"nothing\.yaml cannot be read"):
        run_pipeline(repo, "u/test/nothing", flagMap=str(tmp_path / "nothing.yaml"))


def test_what_cannot_be_done_is_an_annotated_error(repo):
    with pytest.raises(CutoutsError, match="no column 'brightness'") as caught:
        run_pipeline(repo, selection__where="brightness > 3")
    assert isinstance(caught.value, AlgorithmError)
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.metadata["instrument"] == "DemoCam"
    assert set(error.metadata) == {"instrument", "visit", "detector"}
    # The executor takes the annotation off, unless it is told to go on.
    butler = run_pipeline(
        repo, "u/test/on", raise_on_partial_outputs=False, selection__where="brightness > 3"
    )
    assert not butler.query_datasets("dia_source_cutouts", explain=False)
    for ref in butler.query_datasets("zooniverseCutouts_metadata"):
        assert "brightness" in butler.get(ref)["zooniverseCutouts"]["failure"]["message"]


@pytest.mark.parametrize("what", ["damaged table", "damaged ids", "missing ids"])
def test_what_cannot_be_read_is_a_plain_failure(repo, tmp_path, what):
    """Trying again may help, so nothing may say that it does not."""
    butler = Butler.from_config(repo, collections="DemoCam/runs/demo")
    (ref, *_) = butler.query_datasets("dia_source_detector")
    ids = tmp_path / "ids.parquet"
    fields = {"selection__ids": str(ids)} if what.endswith("ids") else {}
    if what == "damaged table":
        path = Path(butler.getURI(ref).ospath)
        path.write_bytes(path.read_bytes()[:5000])
    elif what == "damaged ids":
        ids.write_bytes(b"no Parquet")
    with pytest.raises(UnreadableError, match=r"cannot be read|There is no file") as caught:
        run_pipeline(repo, raise_on_partial_outputs=False, **fields)
    assert not isinstance(caught.value, AlgorithmError)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pictures.sizes", [0]),
        ("selection.where", "__import__('os')"),
        ("selection.circle", [1.0, 2.0]),
        ("selection.polygon", [1.0, 2.0, 3.0]),
    ],
)
def test_impossible_configurations_are_refused(field, value):
    config = ZooniverseCutoutsPipelineConfig()

    def configure():
        part, _, name = field.partition(".")
        setattr(getattr(config, part), name, value)
        config.validate()

    with pytest.raises(Exception, match=field.partition(".")[2].split("=")[0] + "|pictures"):
        configure()


def test_files_of_the_real_afw_become_pictures(afw_root, tmp_path):
    """ExposureF and SourceCatalog are read here without afw, which is their storage class."""
    repo = Path(shutil.copytree(afw_root, tmp_path / "repo"))
    writer = Butler.from_config(repo, writeable=True, run="u/test/catalogue")
    dimensions = writer.dimensions.conform(["instrument", "visit", "detector"])
    writer.registry.registerDatasetType(DatasetType("dia_source_detector", dimensions, "ArrowAstropy"))
    samples = json.loads((afw_root.parent / "samples.json").read_text())["sources"]
    table = astropy.table.Table(rows=samples)
    writer.put(table, "dia_source_detector", instrument="LSSTCam", visit=123456, detector=94)
    collections = ("u/test/catalogue", "LSSTCam/runs/rice")
    types = {
        "template": "goodSeeingDiff_templateExp",
        "science": "calexp",
        "difference": "goodSeeingDiff_differenceExp",
    }
    names = {f"connections__{role}": name for role, name in types.items()}
    classes = {f"{role}StorageClass": "ExposureF" for role in types}
    for fields in ({}, {"useFootprint": True, "footprintMinSize": 5}):
        output = f"u/test/cutouts{len(fields)}"
        butler = run_pipeline(
            repo,
            output,
            inputs=collections,
            connections__footprints="goodSeeingDiff_diaSrc",
            **names,
            **classes,
            **{f"pictures__{name}": value for name, value in fields.items()},
        )
        result = export(butler, tmp_path / output)
        direct = run_directly(repo, tmp_path / f"direct{len(fields)}", None, collections, **fields)
        assert len(direct.written) > 10
        assert result.failed == direct.failed
        assert contents(tmp_path / output) == contents(tmp_path / f"direct{len(fields)}")


def test_pictures_of_different_settings_are_not_mixed(repo, tmp_path):
    run_pipeline(repo, "u/test/plain", where="instrument='DemoCam' AND detector = 0")
    run_pipeline(
        repo,
        "u/test/annotated",
        where="instrument='DemoCam' AND detector = 1",
        pictures__addMetadata=True,
        putStamps=True,
    )
    both = Butler.from_config(repo, collections=["u/test/plain", "u/test/annotated"])
    with pytest.raises(CutoutsError) as caught:
        export(both, tmp_path / "out")
    assert re.search(
        r"in u/test/plain/\w+ were made with other settings than those in u/test/annotated/\w+ "
        r"\(addMetadata: False, True; putStamps: False, True\)",
        str(caught.value),
    )


def test_pictures_of_another_version_or_selection_are_mixed(finished, tmp_path, caplog):
    """In one chain, where the old tables show through behind those of the later run."""
    repo, butler = finished
    first, *_ = butler.query_datasets("dia_source_cutouts")
    other_version(butler, first.run)
    ids = butler.get(first)["diaSourceId"].to_pylist()[:2]
    everything = export(butler, tmp_path / "all")
    assert "different selections" not in caplog.text
    fewer = run_pipeline(repo, "u/test/fewer", selection__ids=",".join(map(str, ids)))
    (second,) = fewer.query_datasets("dia_source_cutouts")
    writer = Butler.from_config(repo, writeable=True)
    writer.collections.register("u/test/chain", CollectionType.CHAINED)
    writer.collections.redefine_chain("u/test/chain", [second.run, first.run])
    result = export(Butler.from_config(repo, collections="u/test/chain"), tmp_path / "both")
    assert set(ids) < set(result.written) < set(everything.written)
    (warning,) = [r.getMessage() for r in caplog.records if "different selections" in r.getMessage()]
    assert f"in {second.run}" in warning
    assert f"in {first.run}" in warning
    facts = [json.loads((tmp_path / n / "report.json").read_text())["settings"] for n in ("all", "both")]
    assert facts[0]["version"] == "0.0.1"
    assert set(facts[1]["version"].split("; ")) == {"0.0.1", software_version()}
    assert facts[0]["selection"] in facts[1]["selection"] != facts[0]["selection"]


def other_version(butler, run):
    """Let the tables of a run be those of another version of this package."""
    for ref in butler.query_datasets("dia_source_cutouts", run):
        path = butler.getURI(ref).ospath
        table = pq.read_table(path)
        metadata = dict(table.schema.metadata)
        description = json.loads(metadata[b"lsst.analysis.ap"])
        description["facts"]["version"] = "0.0.1"
        metadata[b"lsst.analysis.ap"] = json.dumps(description)
        pq.write_table(table.replace_schema_metadata(metadata), path)


def test_the_command_exports_and_refuses_in_one_line(finished, tmp_path, capsys):
    repo, butler = finished
    outdir = tmp_path / "out"
    words = ["--quiet", "--collections", "u/test/cutouts"]
    query = ["--data-query", "instrument='DemoCam' AND detector = 1"]
    assert main([*words, *query, "-c", "manifestRows=3", str(repo), str(outdir)]) == 0
    assert len(list(outdir.glob("manifest*.csv"))) > 2
    capsys.readouterr()
    for wrong, message in [
        ([*words, "--dataset-type", "nothing"], "no dataset type 'nothing'"),
        ([*words, "--dataset-type", "dia_source_detector"], "no table of pictures"),
        ([*words, "-c", "writeStamps=npy"], "putStamps=True"),
        ([*words, "-c", "sizes=30"], "no field 'sizes'"),
        (["--collections", "nix"], "No collection is named nix"),
        (["--collections", "DemoCam/runs/demo"], "no dia_source_cutouts in DemoCam/runs/demo"),
    ]:
        assert main([*wrong, str(repo), str(tmp_path / "none")]) == 2, wrong
        error = capsys.readouterr().err.splitlines()
        assert error[-1].startswith("zooniverseCutoutsExport: error: ")
        assert message in error[-1]
    (ref, *_) = butler.query_datasets("dia_source_cutouts")
    Path(butler.getURI(ref).ospath).write_bytes(b"no Parquet")
    assert main([*words, str(repo), str(tmp_path / "none")]) == 2
    assert "--data-query" in capsys.readouterr().err
    assert main(words) == 2
    assert "REPO OUTDIR" in capsys.readouterr().err


def test_the_pipeline_is_a_step_for_others(tmp_path):
    """By its place in the package, and by that which the stack knows."""
    for place in (
        "resource://lsst.analysis.ap/pipelines/zooniverseCutouts.yaml",
        str(ROOT / "pipelines" / "zooniverseCutouts.yaml"),
    ):
        mine = tmp_path / "mine.yaml"
        mine.write_text(
            f"description: mine\nimports:\n  - location: {place}\ntasks:\n  zooniverseCutouts:\n"
            "    class: lsst.analysis.ap.ZooniverseCutoutsPipelineTask\n"
            "    config:\n      pictures.addMetadata: true\n"
        )
        graph = Pipeline.from_uri(str(mine)).to_graph()
        task = graph.tasks["zooniverseCutouts"]
        assert task.task_class is ZooniverseCutoutsPipelineTask
        assert task.config.pictures.addMetadata
        assert task.outputs["cutouts"].dataset_type_name == "dia_source_cutouts"


class DifferencingConnections(PipelineTaskConnections, dimensions=("instrument", "visit", "detector")):
    """What image differencing declares, though it leaves files of lsst.images as well."""

    detections = connectionTypes.Input(
        doc="Something to begin with.", name="detections", storageClass="ArrowTable", dimensions=("visit",)
    )
    template, science, difference = (
        connectionTypes.Output(
            doc="An image.",
            name=name,
            storageClass="ExposureF",
            dimensions=("instrument", "visit", "detector"),
        )
        for name in ("template_detector", "preliminary_visit_image", "difference_image")
    )


class DifferencingConfig(PipelineTaskConfig, pipelineConnections=DifferencingConnections):
    """Nothing to configure."""


class DifferencingTask(PipelineTask):
    """A step that produces the images."""

    ConfigClass = DifferencingConfig
    _DefaultName = "differencing"


def test_the_storage_classes_are_those_that_the_producer_declares(tmp_path):
    mine = tmp_path / "mine.yaml"
    text = (
        "description: mine\nimports:\n"
        "  - location: resource://lsst.analysis.ap/pipelines/zooniverseCutouts.yaml\ntasks:\n"
        f"  differencing:\n    class: {__name__}.DifferencingTask\n"
    )
    mine.write_text(text)
    afw_converts = importlib.util.find_spec("lsst.afw") is not None
    with nullcontext() if afw_converts else pytest.raises(IncompatibleDatasetTypeError, match="ExposureF"):
        Pipeline.from_uri(str(mine)).to_graph().resolve(dimensions=DimensionUniverse(), dataset_types={})
    classes = "".join(
        f"      {role}StorageClass: ExposureF\n" for role in ("template", "science", "difference")
    )
    mine.write_text(
        f"{text}  zooniverseCutouts:\n    class: lsst.analysis.ap.ZooniverseCutoutsPipelineTask\n"
        f"    config:\n{classes}"
    )
    graph = Pipeline.from_uri(str(mine)).to_graph()
    graph.resolve(dimensions=DimensionUniverse(), dataset_types={})
    assert graph.dataset_types["difference_image"].storage_class_name == "ExposureF"
    assert list(graph.tasks) == ["differencing", "zooniverseCutouts"]


@pytest.mark.parametrize("path", sorted((ROOT / "bps").glob("*.yaml")), ids=lambda path: path.stem)
def test_bps_reads_its_configurations(path):
    from lsst.ctrl.bps import BpsConfig

    config = BpsConfig(str(path))
    assert config["pipelineYaml"].endswith("/pipelines/zooniverseCutouts.yaml")
    assert config[".cluster.zooniverseCutouts.pipetasks"] == "zooniverseCutouts"
    assert int(config[".finalJob.requestCpus"]) <= 2
    if path.stem != "parsl_local":  # which asks nobody for memory
        assert int(config[".finalJob.requestMemory"]) <= 8192
