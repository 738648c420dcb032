"""The command that uploads, to a server that stands in for Zooniverse."""

import re
import subprocess
import sys
import time

import pytest
from tests.zooniverse.stand_in import PASSWORD, USER

from lsst.analysis.ap.cli.upload import main


@pytest.fixture
def logged_in(zooniverse, monkeypatch):
    monkeypatch.setenv("PANOPTES_ENDPOINT", zooniverse.url)
    monkeypatch.setenv("PANOPTES_USERNAME", USER)
    monkeypatch.setenv("PANOPTES_PASSWORD", PASSWORD)
    return zooniverse


def table(text):
    return dict(re.split(r"  +", line.strip(), maxsplit=1) for line in text.splitlines()[1:])


def test_help_teaches_and_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from lsst.analysis.ap.cli.upload import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'lsst.pipe.base', 'pandas', 'pyarrow', 'requests', 'panoptes_client'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for word in ("SUBJECT_SET", "--dry-run", "--status", "PANOPTES_USERNAME", "examples:", "exit status"):
        assert word in done.stdout


def test_a_directory_goes_to_a_subject_set_once(logged_in, fill, capsys):
    directory = fill(range(1, 8))
    words = ["--quiet", str(directory), "55"]
    assert main(["--dry-run", *words]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"subject set 55 ('January') of project 1 at {logged_in.url}\n")
    assert table(said)["to send"] == "7"
    assert logged_in.writes() == 0
    assert main(["--limit", "3", *words]) == 0
    assert table(capsys.readouterr().out) == {
        "sent": "3",
        "already there": "0",
        "failed": "0",
        "left": "4",
        "table": str(directory / "subjects.csv"),
    }
    assert main(words) == 0
    assert table(capsys.readouterr().out)["sent"] == "4"
    assert main(words) == 0
    assert table(capsys.readouterr().out)["already there"] == "7"
    assert len(logged_in.in_set()) == 7
    assert main(["--status", "--quiet", str(directory)]) == 0
    logged_in.in_set()[0].sets.clear()
    assert main(["--status", "--quiet", str(directory)]) == 1


def test_what_fails_is_named(logged_in, fill, capsys):
    directory = fill([1, 2, 3])
    (directory / "2.png").unlink()
    assert main(["--quiet", str(directory), "55"]) == 1
    said = capsys.readouterr()
    assert table(said.out)["failed"] == "1"
    assert said.err == (
        f"zooniverseCutoutsUpload: 2: {directory}/2.png cannot be read: No such file or directory.\n"
    )


def test_the_set_must_be_said(logged_in, fill, capsys):
    assert main([str(fill([1]))]) == 2
    assert "The subject set is missing: give its number" in capsys.readouterr().err
    assert main(["--status", "--quiet", str(fill([1]))]) == 2
    assert "say which subject set to compare it with" in capsys.readouterr().err


def test_a_directory_is_looked_at_before_anybody_is_asked_for_a_password(monkeypatch, tmp_path, capsys):
    for name in ("PANOPTES_USERNAME", "PANOPTES_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("builtins.input", pytest.fail)
    assert main([str(tmp_path / "nowhere"), "55"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_neither_password_nor_signature_is_ever_shown(logged_in, fill, tmp_path):
    logged_in.faults.plan("medium", "403", "drop before", "500")
    logged_in.faults.plan("create", "drop after")
    code = "import sys; from lsst.analysis.ap.cli.upload import main; sys.exit(main())"
    words = [sys.executable, "-c", code, "--log-level", "DEBUG", str(fill([1, 2])), "55"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 30
    while len(logged_in.in_set()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(1)
    process.terminate()
    said = process.communicate()[0]
    assert "INFO lsst.analysis.ap" in said
    assert PASSWORD not in said
    assert "sig=" not in said
    assert not any(token in said for token in logged_in.tokens)
