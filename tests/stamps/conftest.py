import os

import pytest


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """Nothing here outlives a power failure, and there are thousands of files."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
