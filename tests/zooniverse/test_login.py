"""Who uploads, and where to."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.zooniverse import Account, find_account
from lsst.analysis.ap.zooniverse._api_login import _panoptes_client

PRODUCTION, STAGING = "https://www.zooniverse.org", "https://panoptes-staging.zooniverse.org"


@pytest.fixture
def configure():
    """A function that writes what 'panoptes configure' writes."""

    def write(text):
        path = Path.home() / ".panoptes" / "config.yml"
        path.parent.mkdir(parents=True)
        path.write_text(text)

    return write


def test_the_environment_comes_first(configure, monkeypatch):
    configure("endpoint: https://www.zooniverse.org\nusername: file\npassword: of the file\n")
    assert find_account() == Account(PRODUCTION, "file", "of the file")
    monkeypatch.setenv("PANOPTES_USERNAME", "environment")
    monkeypatch.setenv("PANOPTES_PASSWORD", "of the environment")
    assert find_account() == Account(PRODUCTION, "environment", "of the environment")
    assert find_account(username="me", password="mine").username == "me"


def test_the_password_of_one_server_is_nothing_for_another(configure, monkeypatch):
    configure("endpoint: https://www.zooniverse.org/\nusername: me\npassword: '1234'\n")
    assert find_account() == Account(PRODUCTION, "me", "1234")
    with pytest.raises(CutoutsError, match=f"who uploads to {STAGING}: set PANOPTES_USERNAME") as refusal:
        find_account(staging=True)
    assert "1234" not in str(refusal.value)
    monkeypatch.setenv("PANOPTES_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(CutoutsError, match=r"http://127\.0\.0\.1:1"):
        find_account()


def test_a_configuration_file_may_say_another_server(configure):
    configure(f"endpoint: {STAGING}\nusername: me\npassword: x\n")
    assert find_account() == Account(STAGING, "me", "x")


@pytest.mark.parametrize("text", ["username: [", "\0", "- a list"])
def test_a_configuration_file_that_is_none_does_not_matter_or_is_named(configure, text):
    configure(text)
    with pytest.raises(CutoutsError, match=r"config\.yml cannot be read|set PANOPTES_USERNAME"):
        find_account()


def test_what_nothing_says_is_asked_for(monkeypatch, capsys):
    class Terminal:
        def isatty(self):
            return True

        def readline(self):
            return "me\n"

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: "typed" if "me at www" in prompt else prompt)
    assert find_account() == Account(PRODUCTION, "me", "typed")
    assert capsys.readouterr().err == "Username at www.zooniverse.org: "


def test_the_password_is_in_no_text():
    assert "secret" not in f"{Account(PRODUCTION, 'me', 'secret')!r}"


def test_the_logging_of_the_process_stays_as_it_is():
    code = (
        "import logging\n"
        "from lsst.analysis.ap.zooniverse._api_login import _panoptes_client\n"
        "_panoptes_client()\n"
        "print(logging.getLogger().handlers, logging.getLogger().level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"[] {logging.WARNING}\n"


def test_what_is_missing_is_named_as_pip_installs_it(monkeypatch):
    """Not as an extra of this package, which may be on no index."""
    monkeypatch.setitem(sys.modules, "panoptes_client", None)
    with pytest.raises(CutoutsError, match=r"pip install .*'panoptes-client>="):
        _panoptes_client()
