import logging
import sys
import time

import pytest

from lsst.analysis.ap.messages import install_line, progress_bar, public_uri, waiting_for


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
