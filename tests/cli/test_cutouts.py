import dataclasses
import importlib
import json
import os
import re
import shlex
import subprocess
import sys

import pandas as pd
import pytest
from tests.reading import listed as ids

from lsst.analysis.ap.cli.cutouts import _COMMAND, main
from lsst.analysis.ap.sources import Selection, SqlApdb


def summary(said):
    """Return the table that the command ends with."""
    lines = (re.split(r"  +", line.strip(), maxsplit=1) for line in said.splitlines()[1:])
    return dict(lines)


def test_help_teaches_and_imports_nothing_heavy():
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"  # what measures the coverage of tests imports too
        "from lsst.analysis.ap.cli.cutouts import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'multiprocessing', 'lsst.daf.butler', 'lsst.pipe.base', 'lsst.images', 'pandas',"
        " 'matplotlib', 'pyarrow', 'astropy', 'sqlalchemy'}\n"
        "print(sorted(heavy & set(sys.modules) - before), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for word in ("--sqlitefile", "--apdb", "--catalog", "--collections", "examples:", "exit status"):
        assert word in done.stdout


def test_pictures_are_made_without_what_only_frames_figures_and_workers_need(words, apdb, tmp_path):
    code = (
        "import sys\n"
        "from lsst.analysis.ap.cli.cutouts import main\n"
        "status = main(sys.argv[1:])\n"
        "heavy = {'pandas', 'matplotlib.figure', 'lsst.images', 'lsst.dax.apdb'}\n"
        "heavy |= {'multiprocessing.forkserver'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    choice = [*apdb, "--quiet", "--limit", "2", "-c", "addMetadata=True", *words, str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *choice], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_the_command_makes_pictures_from_an_apdb(demo, words, apdb, tmp_path, capsys):
    assert main([*apdb, "--limit", "5", *words, str(tmp_path)]) == 0
    (table,) = SqlApdb.from_sqlite(demo.apdb).read(Selection(limit=5))
    assert ids(tmp_path) == table.column("diaSourceId").to_pylist()
    assert len(list(tmp_path.glob("*.png"))) == 5
    assert summary(capsys.readouterr().out) == {
        "written": "5",
        "already there": "0",
        "failed": "0",
        "manifest": str(tmp_path / "manifest.csv"),
        "upload with": f"zooniverseCutoutsUpload {tmp_path} SUBJECT_SET",
        "or with": f"panoptes subject-set upload-subjects SUBJECT_SET {tmp_path}/manifest.csv",
    }
    assert main([*apdb, "--limit", "7", *words, str(tmp_path)]) == 0
    found = summary(capsys.readouterr().out)
    assert (found["written"], found["already there"]) == ("2", "5")


def test_an_apdb_by_its_configuration_gives_the_same(demo, words, apdb, tmp_path):
    main([*apdb, "-n", "3", *words, str(tmp_path / "a")])
    main(["--apdb", str(demo.apdb_config), "-n", "3", *words, str(tmp_path / "b")])
    assert ids(tmp_path / "a") == ids(tmp_path / "b")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_catalogue_file_and_the_apdb_give_the_same_pictures(demo, words, apdb, sources, tmp_path, suffix):
    frame = sources.sample(frac=1, random_state=1)
    path = tmp_path / f"sources.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    choice = ["--reliability-min", "0.5", "-n", "6", "-c", "addMetadata=True"]
    assert main(["--catalog", str(path), *choice, *words, str(tmp_path / "a")]) == 0
    assert main([*apdb, *choice, *words, str(tmp_path / "b")]) == 0
    pictures = [{p.name: p.read_bytes() for p in (tmp_path / d).glob("*.png")} for d in "ab"]
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) == 6


def test_the_report_tells_the_selection(words, apdb, tmp_path):
    main([*apdb, "-n", "2", "--reliability-min", "0.5", *words, str(tmp_path)])
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["settings"]["selection"] == "reliability_min=0.5, limit=2"


def test_what_a_run_was_made_with_makes_another_like_it(words, apdb, tmp_path):
    choices = ["-c", "addMetadata=yes", "-c", "sizes=21,30", "-c", "imageLimits=-50,200"]
    assert main([*apdb, "-n", "2", *choices, *words, str(tmp_path / "a")]) == 0
    settings = json.loads((tmp_path / "a" / "report.json").read_text())["settings"]
    assert settings["sizes"] == [21, 30]
    assert settings["imageLimits"] == [-50.0, 200.0]
    assert settings["orientation"] == "pixels"
    assert settings["flagMap"] is None
    again = ["-C", str(tmp_path / "a" / "config.py")]
    assert main([*apdb, "-n", "2", *again, *words, str(tmp_path / "b")]) == 0
    made = [{p.name: p.read_bytes() for p in (tmp_path / d).glob("*.p[ny]*")} for d in "ab"]
    assert made[0] == made[1]
    assert len(made[0]) == 3


def test_published_spellings_work(words, apdb, tmp_path):
    (tmp_path / "config.py").write_text("config.addMetadata = True\nconfig.sizes = [30, 60]\n")
    options = ["--reliabilityMin", "0.2", "--reliabilityMax", "0.9", "--jobs", "1"]
    files = ["--configFile", str(tmp_path / "config.py")]
    assert main([*apdb, *options, *files, "--limit", "2", *words, str(tmp_path / "out")]) == 0
    assert len(ids(tmp_path / "out")) == 2


@pytest.mark.parametrize(
    "word", ["stampsOrder=science,template,difference", "urlRoot='https://a/b'", "flagMap=7"]
)
def test_a_word_is_one_word_whatever_is_in_it(word, capsys):
    assert main(["-c", word, "--show-config"]) == 0
    name, value = word.replace("'", "").split("=")
    assert f"config.{name}='{value}'" in capsys.readouterr().out


def test_fields_come_after_files(words, apdb, tmp_path, capsys):
    (tmp_path / "config.py").write_text("config.colorMap = 'gray'\nconfig.sizes = [30, 60]\n")
    assert main(["-C", str(tmp_path / "config.py"), "-c", "sizes=51", "--show-config"]) == 0
    shown = capsys.readouterr().out
    assert "config.colorMap='gray'" in shown
    assert "config.sizes=[51]" in shown


def test_failures_give_status_one_and_a_pointer(words, tmp_path, capsys):
    frame = pd.DataFrame({"diaSourceId": [1], "visit": [1], "detector": [0], "ra": [1.0], "dec": [1.0]})
    frame.to_csv(tmp_path / "c.csv", index=False)
    assert main(["--catalog", str(tmp_path / "c.csv"), *words, str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    found = summary(said.out)
    assert (found["written"], found["failed"]) == ("0", "1")
    assert "failures.csv" in said.err


def test_collections_are_named_with_blanks_commas_and_wildcards(demo, apdb, tmp_path):
    repo, out, name = str(demo.repo), str(tmp_path / "out"), demo.collection
    some = [*apdb, "--limit", "1", "--quiet"]
    for command in (
        [*some, "--collections", name, name, repo, out],
        [*some, repo, "--collections", name, name, "-j", "0", out],
        [*some, "--collections", f"{name}, {name}", repo, "--log-level", "INFO", out],
        [*some, "--collections", name, repo, "--log-level", "INFO", out],
        [repo, out, *some, "--collections", name[:-2] + "*"],
    ):
        assert main(command) == 0, command
    assert len(list(tmp_path.glob("out/*.png"))) == 1


def test_what_nobody_thought_of_is_one_line(demo, words, apdb, tmp_path, monkeypatch, refused, caplog):
    monkeypatch.setattr("lsst.analysis.ap.runs._survey.survey", lambda *_: 1 / 0)
    said = refused([*apdb, *words, str(tmp_path / "out"), "--log-level", "DEBUG"])
    assert "ZeroDivisionError: division by zero" in said
    assert len(said.strip().splitlines()) == 1


def test_few_sources_are_read_once_and_come_out_as_many_do(words, apdb, tmp_path, monkeypatch):
    """Sources of which there may be many are counted before they are read."""
    readings = []
    read = SqlApdb.read
    monkeypatch.setattr(SqlApdb, "read", lambda *given: readings.append(1) or read(*given))
    for name, limit in (("few", "1000"), ("many", "1001")):
        assert main([*apdb, *words, str(tmp_path / name), "--limit", limit]) == 0
    assert len(readings) == 1 + 2
    few, many = ((tmp_path / name / "manifest.csv").read_bytes() for name in ("few", "many"))
    assert few == many


@pytest.mark.parametrize("option", ["--show-config", "--help"])
def test_a_closed_pipe_ends_the_command_quietly(option):
    code = "from lsst.analysis.ap.cli.cutouts import main; raise SystemExit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", code, option], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_package_that_is_missing_is_named(refused):
    def act(arguments):
        importlib.import_module("no_such_package.part")

    line = refused(["--quiet"], dataclasses.replace(_COMMAND, act=act).main)
    assert "module no_such_package is not installed" in line
    assert "'pip check' names" in line


def test_an_error_is_told_where_the_output_was_closed():
    code = "from lsst.analysis.ap.cli.cutouts import main; raise SystemExit(main())"
    shell = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(code)} >&-"
    done = subprocess.run(shell, shell=True, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", ["cutouts", "compare", "export", "gallery", "labels", "upload"])
def test_help_is_as_wide_as_a_usual_terminal(name):
    lines = importlib.import_module(f"lsst.analysis.ap.cli.{name}").build_parser().format_help().splitlines()
    assert lines[0].startswith(
        f"usage: zooniverseCutouts{name.title() if name != 'cutouts' else ''} [options]"
    )
    assert max(map(len, lines)) <= 79


@pytest.mark.parametrize("word", ["true", "yes", "1", "True", "on"])
def test_a_truth_has_many_spellings(word, capsys):
    assert main(["-c", f"addMetadata={word}", "--show-config"]) == 0
    assert "config.addMetadata=True" in capsys.readouterr().out


def test_a_sample_that_is_too_small_says_so(words, apdb, sources, caplog):
    assert main([*apdb, "--sample", "1000", "--dry-run", *words]) == 0
    assert f"The sample has {len(sources)} sources, not 1000: no more meet the conditions." in caplog.text


def test_a_debug_log_shows_where_the_first_cause_was_raised(words, apdb, tmp_path, refused, caplog):
    caplog.set_level("DEBUG")
    refused([*apdb, "--limit", "ten", *words, str(tmp_path), "--log-level", "DEBUG"])
    assert "invalid literal for int()" in caplog.text
    assert "The above exception was the direct cause" in caplog.text


def test_a_repository_without_these_images_is_named(apdb, tmp_path, refused):
    from lsst.daf.butler import Butler

    Butler.makeRepo(tmp_path / "repo")
    with Butler.from_config(tmp_path / "repo", run="some/run", writeable=True):
        pass
    line = refused([*apdb, "--collections", "some/run", str(tmp_path / "repo"), str(tmp_path / "out")])
    assert "no visit_image or preliminary_visit_image" in line
    assert "some/run" in line


def test_the_instrument_can_be_given(afw_root, tmp_path):
    catalogue = pd.DataFrame(
        {"diaSourceId": [1], "visit": 123456, "detector": 94, "ra": 244.92, "dec": -45.04}
    )
    catalogue.to_csv(tmp_path / "c.csv", index=False)
    words = ["--catalog", str(tmp_path / "c.csv"), "--collections", "LSSTCam/runs/rice", str(afw_root)]
    assert main([*words, "--instrument", "LSSTCam", str(tmp_path / "a")]) == 0
    assert main([*words, "--instrument", "HSC", str(tmp_path / "b")]) == 2


def _command(name):
    """Where pip puts a command, or a stack."""
    folders = [os.path.dirname(sys.executable), os.path.join(os.environ.get("ANALYSIS_AP_DIR", ""), "bin")]
    return next(path for folder in folders if os.path.exists(path := os.path.join(folder, name)))


def test_both_commands_and_the_module_are_the_same_program(demo):
    source = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "bin.src", "zooniverseCutouts")
    outputs = {
        subprocess.run(
            [sys.executable, *program, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for program in (
            [source],
            ["-m", "lsst.analysis.ap"],
            [_command("zooniverseCutouts")],
        )
    }
    assert len(outputs) == 1


def test_a_shell_completes_options(tmp_path):
    words = "zooniverseCutouts --retry"
    code = "import os; os.dup2(os.open(os.environ['OUT'], os.O_WRONLY | os.O_CREAT), 8)\n" + (
        "from lsst.analysis.ap.cli.cutouts import main; main()"
    )
    variables = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": words,
        "COMP_POINT": str(len(words)),
        "OUT": str(tmp_path / "out"),
    }
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **variables}, check=False)
    assert "--retry-failed" in (tmp_path / "out").read_text()
