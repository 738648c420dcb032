"""Every shell line of the documentation is executed here, or its page says why not."""

import csv
import gzip
import random
import re
import shutil
from pathlib import Path

import pytest
from lsst.daf.butler import Butler
from tests.shell_lines import OURS, PAGES, PANOPTES, ROOT, SHELLS, Shell, blocks, examples
from tests.zooniverse.stand_in import PASSWORD, PROJECT, SUBJECT_SET, USER, Zooniverse
from tests.zooniverse.volunteers import Project, Subject, make_volunteers

from lsst.analysis.ap.cli.cutouts import main as cutouts

WITH_LINES = [page for page in PAGES if any(block.reason is None for block in blocks(page))]
PICTURES = {
    "gallery.rst": ("pictures", "before", "after", "subjects"),
    "labels-back.rst": ("subjects",),
    "training-set.rst": ("subjects",),
}
"""Directories of pictures that a page takes for given."""

HELP = {
    "gallery": ("pictures", "before", "after"),
    "labels": ("subjects",),
    "upload": ("subjects",),
}
"""Directories of pictures that the examples of a command take for given."""

NOT_HERE = {
    "open ": "it opens a browser",
    "pipetask": "pipeline.rst has the same",
    "zooniverseCutoutsExport": "pipeline.rst has the same",
    "zooniverseCutouts --alerts": "tests/sources/test_alerts.py does it",
    "zooniverseCutoutsLabels --workflow": "tests/zooniverse/labels does it, with several workflows",
}
"""Examples that are not executed here, by their beginnings, and why."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_shell_line_is_seen_and_every_line_of_code_fits(page):
    text = page.read_text()
    markdown = page.suffix == ".md"
    opening = rf"```(?:{SHELLS})$" if markdown else rf"code-block:: (?:{SHELLS})$"
    assert len(blocks(page)) == len(re.findall(opening, text, flags=re.MULTILINE))
    if markdown:
        outside = re.sub(r"^```\w+\n(?:.*\n)*?```", "", text, flags=re.MULTILINE)
        assert not re.search(r"^(?: {4}|\t)", outside, flags=re.MULTILINE), "code needs a fence"
    # Messages of the program are one long line, which the page wraps.
    fence = r"()```\w+\n((?:.*\n)*?)```"
    block = r"^( *)\.\. code-block:: (?!text)\w+\n\n((?:\1 {3}.*\n|\n)+)"
    for indent, code in re.findall(fence if markdown else block, text, flags=re.MULTILINE):
        width = 72 if markdown else 72 + len(indent) + 3
        assert max(map(len, code.splitlines())) <= width, code


def test_the_page_on_the_architecture_names_what_there_is():
    package = ROOT / "python" / "lsst" / "analysis" / "ap"
    text = (ROOT / "doc" / "lsst.analysis.ap" / "architecture.rst").read_text()
    picture = (ROOT / "doc" / "lsst.analysis.ap" / "rooms.svg").read_text()
    for name in re.findall(r"``([a-z]+/[\w./]*)``", text):
        assert any(package.rglob(name)) or (ROOT / name).exists(), name
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    assert set(re.findall(r">(\w+)/<", picture)) == rooms
    for name, constant in re.findall(r"``(\w+/\w+\.py)``, (?:an entry|one) of ``(\w+)``", text):
        assert f"\n{constant}" in (package / name).read_text(), constant


@pytest.fixture
def zooniverse(monkeypatch, tmp_path):
    """A server that stands in for Zooniverse, and an environment that knows its account."""
    server = Zooniverse().start()
    server.add_set(56, PROJECT, "by panoptes")
    environment = {"ENDPOINT": server.url, "USERNAME": USER, "PASSWORD": PASSWORD}
    for name, value in environment.items():
        monkeypatch.setenv(f"PANOPTES_{name}", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".panoptes").mkdir()
    lines = [f"{name.lower()}: {value}\n" for name, value in environment.items()]
    (tmp_path / ".panoptes" / "config.yml").write_text("".join(lines))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def given(demo, tmp_path_factory):
    """A directory with what pages take for given: databases, pictures, an export, labels."""
    folder = tmp_path_factory.mktemp("given")
    for path in (demo.apdb, demo.apdb_config):
        (folder / path.name).symlink_to(path)
    (folder / "index.yaml").write_text(f"prompt: {demo.apdb_config}\n")
    shutil.copy(ROOT / "doc" / "lsst.analysis.ap" / "published_look.py", folder)
    pictures = folder / "pictures"
    words = ["--quiet", "--sqlitefile", str(demo.apdb), "--collections", demo.collection]
    assert cutouts([*words, "--limit", "12", "-c", "writeStamps=npy", str(demo.repo), str(pictures)]) == 0
    with (pictures / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for number, row in enumerate(rows):
        row["label"] = ("real", "bogus", "unsure")[number % 3]
    project = Project()
    for number, row in enumerate(rows):
        for volunteer in make_volunteers(4, random.Random(1)):
            project.classify(Subject(number, row), volunteer, row["label"].title())
    project.write_classifications(folder / "classifications.csv")
    with gzip.open(folder / "classifications.csv.gz", "wb") as stream:
        stream.write((folder / "classifications.csv").read_bytes())
    assert (
        cutouts([*words, "--write-catalog", str(folder / "sources.parquet"), "--dry-run", str(demo.repo)])
        == 0
    )
    for name in ("labels.csv", "gold.csv", "interesting.csv"):
        with (folder / name).open("w") as stream:
            columns = ("diaSourceId", "label", "visit", "detector", "ra", "dec")
            stream.write(f"{','.join(columns)}\n")
            stream.writelines(
                f"{','.join(row.get(name) or row[f'#{name}'] for name in columns)}\n" for row in rows
            )
    return folder


@pytest.fixture
def make_shell(demo, given, zooniverse, tmp_path, monkeypatch):
    """A function that returns a shell in a directory of its own, which has copies of some pictures."""

    def make(directories, *, writes=False):
        work = Path(shutil.copytree(given, tmp_path / "work", symlinks=True))
        (work / "pictures").rename(work / "made")
        for name in directories:
            shutil.copytree(work / "made", work / name)
        monkeypatch.chdir(work)
        monkeypatch.setenv("DAX_APDB_INDEX_URI", str(work / "index.yaml"))
        repo = demo.repo
        if writes:
            repo = shutil.copytree(demo.repo, tmp_path / "repo")
            Butler.from_config(repo, writeable=True).collections.register("u/me/more")
        words = {
            "demo/apdb": "apdb",
            "demo/repo": "/repo/main",
            " repo/": " /repo/main",
            "u/me/before": "LSSTCam/prompt",
            "u/me/after": "LSSTCam/prompt",
            "SUBJECT_SET subjects/manifest.csv": "56 subjects/manifest.csv",
            "SUBJECT_SET": str(SUBJECT_SET),
            "12345": str(SUBJECT_SET),
            "--limit 50": "--limit 5",
            "LSSTCam/prompt": demo.collection,
            "'LSSTCam'": f"'{demo.instrument}'",
            "/repo/main": str(repo),
        }
        return Shell(words)

    return make


@pytest.mark.parametrize("page", WITH_LINES, ids=lambda page: page.name)
def test_the_shell_lines_of_a_page_work_in_their_order(page, make_shell, zooniverse):
    if "   panoptes " in page.read_text() and not PANOPTES.exists():
        pytest.skip("panoptescli is not installed beside the tests")
    shell = make_shell(PICTURES.get(page.name, ()), writes="pipetask" in page.read_text())
    sent = []
    for block in blocks(page):
        for line in block.lines if block.reason is None else ():
            assert shell.run(line) == 0, line
            sent.append(len(zooniverse.in_set()))
    assert sent == sorted(sent)
    if page.name == "subject-set.rst":
        _check_subjects(zooniverse)


@pytest.mark.parametrize("name", OURS.values())
def test_the_examples_of_a_command_work_in_their_order(name, make_shell):
    lines = examples(name)
    assert lines
    shell = make_shell(HELP.get(name, ()))
    for line in lines:
        if not line.startswith(tuple(NOT_HERE)):
            if name == "cutouts" and line.startswith("zooniverseCutouts "):
                shutil.rmtree("subjects", ignore_errors=True)  # each example stands for itself
            assert shell.run(line) == 0, line


def _check_subjects(zooniverse):
    """Assert that each picture of the page on subject sets is a subject, once."""
    with open("subjects/manifest.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    uploaded = zooniverse.in_set()
    assert sorted(s.external_id for s in uploaded) == sorted(row["diaSourceId"] for row in rows)
    for subject in uploaded:
        assert zooniverse.contents(subject) == [Path("subjects", subject.metadata["filename"]).read_bytes()]
    fakes = [subject.metadata["#training_subject"] for subject in uploaded].count("true")
    assert fakes == pytest.approx(0.25 * len(uploaded), abs=1)
    assert len(zooniverse.in_set(56)) == 24
    assert Path("hosted", "manifest.csv").exists()
    assert len(list(Path("citsci").glob("part-*/manifest.csv"))) == 2
