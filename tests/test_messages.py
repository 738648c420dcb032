import logging
import sys
import time

import pytest

from lsst.analysis.ap.messages import (
    cause_of,
    did_you_mean,
    install_line,
    no_such,
    progress_bar,
    public_uri,
    waiting_for,
)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("s3://bucket/a/b", "s3://bucket/a/b"),
        ("https://me:secret@host:8080/a", "https://me:***@host:8080/a"),
        ("https://me:se@cret@host/a", "https://me:***@host/a"),
        ("https://me:se/cret@host/a", "https://me:***@host/a"),
        (
            "postgresql+psycopg://me:secret@host/db?password=other",
            "postgresql+psycopg://me:***@host/db?password=***",
        ),
        ("https://host/a?X-Amz-Signature=abc&b=2#c", "https://host/a?X-Amz-Signature=***&b=***#c"),
        ("/data/what?is=this", "/data/what?is=this"),
        ("a:b@c", "a:b@c"),
    ],
)
def test_a_uri_is_shown_without_its_secrets(uri, shown):
    assert public_uri(uri) == shown


def test_a_long_wait_is_told_and_a_short_one_is_not(caplog):
    with caplog.at_level(logging.WARNING), waiting_for("a slow server", 0.01):
        time.sleep(0.1)
    with waiting_for("a quick server"):
        pass
    assert [record.getMessage() for record in caplog.records] == ["Still waiting for a slow server ..."]


def test_an_install_line_names_the_packages_of_an_extra():
    assert install_line("zarr") == "pip install 'zarr>=3.1'"
    assert install_line("nothing") == "pip install 'lsst-analysis-ap[nothing]'"


@pytest.mark.parametrize(
    ("modules", "shown", "disabled"),
    [((), None, True), ((), True, False), (("ipykernel",), None, False), (("ipykernel",), False, True)],
)
def test_a_bar_shows_itself_in_a_notebook(monkeypatch, modules, shown, disabled):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    with progress_bar("pictures", 3, "source", shown) as bar:  # output that is captured is no terminal
        assert bar.disable is disabled


def test_of_what_requests_wraps_the_cause_is_told():
    import requests

    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://127.0.0.1:1/a/b", timeout=5)
    said = cause_of(caught.value)
    assert "Connection refused" in said
    assert "retries" not in said
    assert said.count("(") == said.count(")") == 1


def test_what_is_not_there_is_told_with_what_is_alike(tmp_path):
    (tmp_path / "good.csv").touch()
    assert no_such("catalogue", tmp_path / "godo.csv") == (
        f"There is no catalogue {tmp_path}/godo.csv. Did you mean {tmp_path}/good.csv?"
    )
    assert no_such("catalogue", "nowhere/at/all") == "There is no catalogue nowhere/at/all. Check the path."
    assert no_such("catalogue", tmp_path) == f"{tmp_path} is a directory and no catalogue."
    assert no_such("directory", tmp_path / "good.csv") == f"{tmp_path}/good.csv is a file and no directory."


def test_a_name_in_other_capitals_is_meant_alone():
    assert did_you_mean("colormap", ["colorBar", "colorMap"]) == " Did you mean colorMap?"
