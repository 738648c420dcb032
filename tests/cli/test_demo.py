import inspect
import subprocess
import sys

import pytest

from lsst.analysis.ap.cli import demo as cli

TINY = ["--size", "200", "--visits", "1", "--detectors", "1", "--sources-per-detector", "4"]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_the_command_makes_what_it_says_and_keeps_it(out, capsys, caplog):
    caplog.set_level("INFO")
    assert cli.main([str(out), *TINY]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "dropping all tables" not in caplog.text
    assert str(out / "apdb.sqlite3") in lines[1]
    assert str(out / "repo") in lines[2]
    names = ("repo/butler.yaml", "apdb.sqlite3", "apdb.yaml", "truth.parquet")
    assert all((out / name).is_file() for name in names)
    assert len(list(out.iterdir())) == 4

    stray = out / "repo" / "stray"
    stray.touch()
    assert cli.main([str(out), *TINY]) == 2
    message = capsys.readouterr().err
    assert str(out / "repo") in message
    assert "--overwrite" in message
    assert stray.exists()

    assert cli.main([str(out), *TINY, "--overwrite"]) == 0
    assert not stray.exists()
    assert all((out / name).is_file() for name in names)


def test_every_option_comes_through(out, monkeypatch):
    asked = {}
    monkeypatch.setattr(cli, "make_demo", lambda root, **options: asked.update(options, root=root))
    assert cli.main([str(out), *TINY, "--seed", "9", "--other-run"]) == 0
    asked.pop("report")
    numbers = {"seed": 9, "size": 200, "visits": 1, "detectors": 1, "sources_per_detector": 4}
    assert asked == {"root": str(out), "other_run": True, "overwrite": False} | numbers
    monkeypatch.undo()
    defaults = inspect.signature(cli.make_demo).parameters
    arguments = vars(cli.build_parser().parse_args([str(out)]))
    assert {name: arguments[name] for name in numbers} == {name: defaults[name].default for name in numbers}


def test_a_directory_that_is_no_repository_is_never_removed(out, capsys):
    thesis = out / "repo" / "thesis.tex"
    thesis.parent.mkdir(parents=True)
    thesis.touch()

    assert cli.main([str(out), *TINY, "--overwrite"]) == 2
    assert thesis.exists()
    assert str(out / "repo") in capsys.readouterr().err


def test_a_wrong_number_is_one_line(out, capsys):
    assert cli.main([str(out), "--size", "10"]) == 2

    message = capsys.readouterr().err
    assert message == "zooniverseCutoutsDemo: error: size is 10; the demo needs at least 200\n"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main([str(tmp_path / "file" / "out"), *TINY]) == 2
    message = capsys.readouterr().err
    assert message.startswith(
        "zooniverseCutoutsDemo: error: The demo cannot be written: [Errno 20] Not a dir"
    )
    assert message.count("\n") == 1


@pytest.mark.parametrize("name", ["galsim", "photutils"])
def test_without_the_extra_it_says_in_one_line_what_to_install(name, out, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)

    assert cli.main([str(out), *TINY]) == 2
    message = capsys.readouterr().err
    said = f"zooniverseCutoutsDemo: error: The demo needs {name}, which is not installed: pip install "
    assert message.startswith(said)
    assert message.count("\n") == 1
    assert "lsst-analysis-ap[demo]" in message or all(name in message for name in ("galsim", "photutils"))
    assert not out.exists()


def test_help_needs_neither_the_extra_nor_the_pipelines():
    code = (
        "import sys\n"
        "from lsst.analysis.ap.cli.demo import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "finally:\n"
        "    names = {'astropy', 'galsim', 'lsst.daf.butler', 'lsst.images', 'pandas', 'photutils'}\n"
        "    assert not names & set(sys.modules), names & set(sys.modules)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "--sources-per-detector" in done.stdout
