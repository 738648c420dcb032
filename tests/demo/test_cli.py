import subprocess
import sys
from pathlib import Path

import pytest

from lsst.analysis.ap.demo import cli

TINY = ["--size", "200", "--visits", "1", "--detectors", "1", "--sources-per-detector", "4"]


def test_command_makes_what_it_says_and_keeps_it(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([str(out), *TINY]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert str(out / "repo") in lines[1]
    assert str(out / "apdb.sqlite3") in lines[2]
    made = [out / "repo" / "butler.yaml", out / "apdb.sqlite3", out / "apdb.yaml"]
    assert all(path.is_file() for path in made)

    stray = out / "repo" / "stray"
    stray.touch()
    assert cli.main([str(out), *TINY]) == 2
    message = capsys.readouterr().err
    assert str(out / "repo") in message
    assert "--overwrite" in message
    assert stray.exists()

    assert cli.main([str(out), *TINY, "--overwrite"]) == 0
    assert not stray.exists()
    assert all(path.is_file() for path in made)


def test_directory_that_is_no_repository_is_never_removed(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thesis = out / "repo" / "thesis.tex"
    thesis.parent.mkdir(parents=True)
    thesis.touch()

    assert cli.main([str(out), *TINY, "--overwrite"]) == 2
    assert thesis.exists()
    assert str(out / "repo") in capsys.readouterr().err


def test_wrong_number_is_one_line(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([str(out), "--size", "10"]) == 2

    message = capsys.readouterr().err
    assert message == "zooniverseCutoutsDemo: size is 10; the demo needs at least 200\n"


def test_help_does_not_wait_for_the_pipelines() -> None:
    code = (
        "import sys\n"
        "from lsst.analysis.ap.demo.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "finally:\n"
        "    heavy = {'astropy', 'lsst.daf.butler', 'lsst.images', 'scipy', 'pandas'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "--sources-per-detector" in done.stdout
