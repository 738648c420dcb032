import pytest

from lsst.analysis.ap.render._fonts import TEXT_SIZE, text_size, text_width
from lsst.analysis.ap.render._glyphs import number_font, word


@pytest.mark.parametrize("bold", [False, True])
def test_numbers_are_put_together_from_letters(bold):
    """Where they are not, each number is drawn by matplotlib, which takes a hundred times as long."""
    for scale in (1.0, 1.5, 2.0, 4.5):
        assert number_font((0, 0, 0), bold, text_size(float(scale)), (255, 255, 255)).usable


@pytest.mark.parametrize("scale", [1.0, 1.2, 1.9, 2.4, 4.5])
def test_text_is_as_large_as_its_numbers_have_room(scale):
    size, room = text_size(scale), 80 * scale
    assert text_width("0" * 10, False, size) <= room
    assert size == TEXT_SIZE * scale or text_width("0" * 10, False, size + 0.25) > room


@pytest.mark.parametrize("text", ["I", "Template: warped coadd", "long " * 40])
def test_a_centred_word_has_all_of_its_ink_about_its_middle(text):
    left, centered = (word(text, (0, 0, 0), False, 16.0, (255, 255, 255), a) for a in ("left", "center"))
    assert centered.pixels.shape == pytest.approx(left.pixels.shape, abs=1)
    assert centered.x + centered.pixels.shape[1] / 2 == pytest.approx(0, abs=3)
