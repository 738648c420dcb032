"""The commands of the page on subject sets, in their order, to a server that stands in for Zooniverse."""

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.zooniverse.stand_in import PASSWORD, PROJECT, SUBJECT_SET, USER, Zooniverse

from lsst.analysis.ap.cli import cutouts, upload

PAGE = Path(__file__).parents[1] / "doc" / "lsst.analysis.ap" / "subject-set.rst"
PANOPTES = Path(sys.prefix, "panoptes", "bin", "panoptes")


def commands():
    """Return the commands of the page, each as a line."""
    blocks = r"^( *)\.\. code-block:: bash\n\n((?:\1   .*\n|\n)+)"
    for _, block in re.findall(blocks, PAGE.read_text(), flags=re.MULTILINE):
        yield from (line.strip() for line in block.replace("\\\n", " ").splitlines() if line.strip())


@pytest.fixture
def zooniverse(monkeypatch, tmp_path):
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


def run(line, demo):
    """Run a command, and return its exit status."""
    line = line.replace("--apdb apdb.yaml", f"--apdb {demo.apdb_config}")
    line = line.replace("LSSTCam/prompt", demo.collection).replace("/repo/main", str(demo.repo))
    program, *words = shlex.split(line)
    if program == "panoptes":
        words = [word.replace("SUBJECT_SET", "56") for word in words]
        return subprocess.run([PANOPTES, *words], input="n\n", text=True, env=os.environ).returncode
    main = {"zooniverseCutouts": cutouts.main, "zooniverseCutoutsUpload": upload.main}[program]
    return main(["--quiet", *(str(SUBJECT_SET) if word == "SUBJECT_SET" else word for word in words)])


def test_the_commands_of_the_page_work_in_their_order(demo, zooniverse, tmp_path, monkeypatch):
    if not PANOPTES.exists():
        pytest.skip("panoptescli is not installed beside the tests")
    monkeypatch.chdir(tmp_path)
    lines = list(commands())
    assert len(lines) > 9
    sent = []
    for line in lines:
        assert run(line, demo) == 0, line
        sent.append(len(zooniverse.in_set()))
    assert sent == sorted(sent)
    rows = list(csv.DictReader((tmp_path / "subjects" / "manifest.csv").open()))
    uploaded = zooniverse.in_set()
    assert sorted(s.external_id for s in uploaded) == sorted(row["diaSourceId"] for row in rows)
    for subject in uploaded:
        assert zooniverse.contents(subject) == [Path("subjects", subject.metadata["filename"]).read_bytes()]
    fakes = [subject.metadata["#training_subject"] for subject in uploaded].count("true")
    assert fakes == pytest.approx(0.25 * len(uploaded), abs=1)
    assert len(zooniverse.in_set(56)) == 24
    assert Path("hosted", "manifest.csv").exists()
    assert len(list(Path("citsci").glob("part-*/manifest.csv"))) == 2
    assert run("zooniverseCutoutsUpload --status subjects/", demo) == 0
