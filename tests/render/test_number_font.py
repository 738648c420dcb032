import pytest

from lsst.analysis.ap.render._fonts import text_size
from lsst.analysis.ap.render._glyphs import number_font


@pytest.mark.parametrize("bold", [False, True])
def test_numbers_are_put_together_from_letters(bold):
    """Where they are not, each number is drawn by matplotlib, which takes a hundred times as long."""
    for scale in (1.0, 1.5, 2.0, 4.5):
        assert number_font((0, 0, 0), bold, text_size(float(scale)), (255, 255, 255)).usable
