import pytest

from lsst.analysis.ap.render._glyphs import number_font


@pytest.mark.parametrize("bold", [False, True])
def test_numbers_are_put_together_from_letters(bold):
    """Where they are not, each number is drawn by matplotlib, which takes a hundred times as long."""
    assert number_font((0, 0, 0), bold, (255, 255, 255)).usable
