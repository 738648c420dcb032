import itertools

import pytest

from lsst.analysis.ap.render._colors import inks, readable
from lsst.analysis.ap.render._flags import FLAG_WORDS


def wcag_contrast(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """Return the contrast ratio, written from the text of WCAG 2.2."""

    def channel(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    def luminance(color: tuple[int, ...]) -> float:
        red, green, blue = map(channel, color)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    brighter, darker = max(luminance(first), luminance(second)), min(luminance(first), luminance(second))
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("background", ["light", "dark"])
def test_every_text_can_be_read(background):
    ink = inks(background)
    colors = [ink.text, ink.label, ink.warning, ink.likely, ink.unlikely]
    colors += [ink.flag(flag.color) for flag in FLAG_WORDS]
    for color in colors:
        assert wcag_contrast(color, ink.background) >= 4.5


def test_goldenrod_is_darkened_and_keeps_its_hue():
    red, green, blue = readable((218, 165, 32), (255, 255, 255))
    assert red < 218
    assert (green - blue) / (red - blue) == pytest.approx((165 - 32) / (218 - 32), abs=0.03)


def test_colors_that_can_be_read_stay_as_they_are():
    assert readable((75, 0, 130), (255, 255, 255)) == (75, 0, 130)


@pytest.mark.parametrize("background", ["light", "dark"])
def test_reliability_is_not_told_by_red_and_green(background):
    # For eyes without red or green receptors blue against yellow remains.
    ink = inks(background)

    def yellowness(color: tuple[int, int, int]) -> float:
        return (color[0] + color[1]) / 2 - color[2]

    assert yellowness(ink.unlikely) - yellowness(ink.likely) > 100


def test_flag_words_of_one_line_do_not_touch():
    from lsst.analysis.ap.render._fonts import TEXT_SIZE, text_width
    from lsst.analysis.ap.render._layout import HEADER_WIDTH

    for _, words in itertools.groupby(sorted(FLAG_WORDS, key=lambda f: (f.line, f.x)), lambda f: f.line):
        line = list(words)
        for flag, following in itertools.pairwise(line):
            assert flag.x + text_width(flag.word, True, TEXT_SIZE) + 3 <= following.x
        assert line[-1].x + text_width(line[-1].word, True, TEXT_SIZE) <= HEADER_WIDTH
