import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.ap.output import PictureNames
from lsst.analysis.ap.output._pictures import CHUNK_FOLDER, PICTURE_PATH


def test_all_pictures_are_in_one_directory_by_default():
    assert PictureNames().path(506428274000265570) == "506428274000265570.png"


def test_no_picture_of_a_position_is_taken_for_an_option():
    path = PictureNames().path(-506428274000265570)
    assert path == "position_506428274000265570.png"
    assert PICTURE_PATH.fullmatch(path)


@given(st.lists(st.integers(0, 2**63 - 1), unique=True), st.integers(1, 50))
def test_no_folder_holds_more_than_the_chunk(ids, chunk):
    folders = {}
    for identifier in ids:
        folder, name = PictureNames(chunk).path(identifier).split("/")
        assert name == f"{identifier}.png"
        folders.setdefault(folder, []).append(identifier)
    assert all(len(members) <= chunk for members in folders.values())


@pytest.mark.parametrize(
    ("identifier", "path"), [(0, "0-99/0.png"), (99, "0-99/99.png"), (100, "100-199/100.png")]
)
def test_a_folder_is_named_for_its_first_and_last_identifier(identifier, path):
    assert PictureNames(100).path(identifier) == path


@given(st.integers(-(2**62), 2**63 - 1), st.integers(1, 10**9))
def test_folders_of_pictures_are_told_from_others(identifier, chunk):
    assert CHUNK_FOLDER.fullmatch(PictureNames(chunk).path(identifier).split("/")[0])
    assert not CHUNK_FOLDER.fullmatch(str(identifier))
    assert not CHUNK_FOLDER.fullmatch("night-2")
