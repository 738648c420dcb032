import pytest

from lsst.analysis.ap.output._manifest import ManifestColumn, choose_columns

DEFAULT = ("#ra", "#dec")


@pytest.mark.parametrize(
    ("items", "names"),
    [
        (["#ra", "#dec"], ["#ra", "#dec"]),
        (["snr", "!band"], ["snr", "!band"]),
        (["+#snr"], ["#ra", "#dec", "#snr"]),
        (["+#snr", "!band"], ["!band", "#snr"]),
        (["anonymous"], []),
        (["anonymous", "+%band"], ["%band"]),
        ([], []),
        (["+#dec", "+#snr", "+#snr"], ["#ra", "#dec", "#snr"]),
    ],
)
def test_columns_are_the_default_or_others_or_more(items, names):
    assert [column.name for column in choose_columns(items, DEFAULT)] == names


def test_only_what_somebody_asked_for_must_be_there():
    columns = choose_columns(["+#snr", "+#dec"], DEFAULT)
    assert {column.name: column.is_asked for column in columns} == {"#ra": False, "#dec": True, "#snr": True}
    assert not any(column.is_asked for column in choose_columns(DEFAULT, DEFAULT))


def test_a_column_may_show_something_else_than_its_name():
    assert choose_columns(["#training_subject = pixelFlags_injected", "!b=x == 'a,b'"], ()) == (
        ManifestColumn("#training_subject", "pixelFlags_injected"),
        ManifestColumn("!b", "x == 'a,b'"),
    )


@pytest.mark.parametrize("item", ["", "#", "#a:b", "a,b", "#x=", "=x", "+"])
def test_what_is_no_column_is_refused(item):
    with pytest.raises(ValueError, match="is no column: write NAME"):
        choose_columns([item], DEFAULT)
