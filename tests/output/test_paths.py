import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.ap.output import picture_path


def test_all_pictures_are_in_one_directory_by_default():
    assert picture_path(506428274000265570) == "506428274000265570.png"


@given(st.lists(st.integers(0, 2**63 - 1), unique=True), st.integers(1, 50))
def test_no_folder_holds_more_than_the_chunk(ids, chunk):
    folders = {}
    for identifier in ids:
        folder, name = picture_path(identifier, chunk).split("/")
        assert name == f"{identifier}.png"
        folders.setdefault(folder, []).append(identifier)
    assert all(len(members) <= chunk for members in folders.values())


@pytest.mark.parametrize(("identifier", "path"), [(0, "0/0.png"), (99, "0/99.png"), (100, "100/100.png")])
def test_a_folder_is_named_for_its_first_identifier(identifier, path):
    assert picture_path(identifier, 100) == path
