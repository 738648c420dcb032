import itertools
from typing import Any

import numpy as np
import pytest

from lsst.analysis.ap.render import PictureStyle, draw_figure
from lsst.analysis.ap.render._annotation import annotation, labels
from lsst.analysis.ap.render._colors import inks
from lsst.analysis.ap.render._flags import FLAG_WORDS, LABEL_FLAGS

INK = inks("light")
EVERY_FLAG = {
    **{column: True for flag in FLAG_WORDS for column in flag.columns},
    **{column: 1 for columns in LABEL_FLAGS.values() for column in columns},
}
EXTREMES = {
    "diaSourceId": 2**63 - 1,
    "instrument": "LSSTComCamSimulated",
    "detector": 188,
    "visit": 2025051600123,
    "band": "white light",
    "ra": 359.99999999,
    "dec": -89.99999999,
    "snr": -1.2e30,
    "psfChi2": 1.7e300,
    "psfNdata": 1,
    "psfFlux": -1.2345e12,
    "psfFluxErr": 8.8888888e99,
    "apFlux": -888888888.88,
    "apFluxErr": 88888888.8,
    "scienceFlux": 8.8e-120,
    "scienceFluxErr": 8.8e-300,
    "reliability": -0.888,
}


def texts(row: dict[str, Any]) -> list[str]:
    return [item.text for item in annotation(row, INK)]


def test_flag_words_appear_when_any_of_their_columns_is_set():
    for flag in FLAG_WORDS:
        assert flag.word not in texts({"psfFlux": 1.0})
        for column in flag.columns:
            assert flag.word in texts({column: True})
            assert flag.word in texts({column: np.int8(1)})
            assert flag.word not in texts({column: False})
            assert flag.word not in texts({column: None})


def test_center_flags_count_for_the_words_that_have_them():
    for word, plane in (("INTERP", "interpolated"), ("SAT", "saturated"), ("CR", "cr"), ("SUS", "suspect")):
        assert word in texts({f"pixelFlags_{plane}Center": True})


@pytest.mark.parametrize(
    ("label", "key"), [("PSF (nJy):", "psf"), ("ap (nJy):", "ap"), ("total (nJy):", "total")]
)
def test_labels_turn_red_with_their_flags(label, key):
    def color(row: dict[str, Any]) -> tuple[int, int, int]:
        return next(item.color for item in annotation(row, INK) if item.text == label)

    assert color({}) == INK.label
    for column in LABEL_FLAGS[key]:
        assert color({column: True}) == INK.warning


def test_signal_to_noise_and_chi2_need_a_divisor():
    assert "30.26" in texts({"psfFlux": -3025.9, "psfFluxErr": 100.0})
    assert texts({"psfFlux": 1.0, "psfFluxErr": 0.0}).count("1.0") == 1
    assert "0.40" in texts({"psfChi2": 40, "psfNdata": 100})
    assert texts({"psfChi2": 40, "psfNdata": 0}) == texts({})


def test_reliability_says_blue_or_vermilion():
    def found(value: float) -> tuple[str, Any]:
        return next((i.text, i.color) for i in annotation({"reliability": value}, INK) if "RB" in i.text)

    assert found(0.6824) == ("RB:0.682", INK.likely)
    assert found(0.5) == ("RB:0.500", INK.likely)
    assert found(0.49) == ("RB:0.490", INK.unlikely)


@pytest.mark.parametrize("row", [EXTREMES, {**EXTREMES, **EVERY_FLAG}])
def test_nothing_collides_and_nothing_leaves_the_text_rows(make_triplet, row):
    figure = draw_figure(PictureStyle(add_metadata=True), [make_triplet()], row)
    figure.canvas.draw()
    expected = len(list(labels(INK))) + len(texts(row)) + 3
    assert len(figure.texts) == expected
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.texts[3:]]
    for name, box in boxes:
        assert box.x0 >= 10, name
        assert box.x1 <= 661.5, name
    for (first, a), (second, b) in itertools.combinations(boxes, 2):
        if abs(a.y0 - b.y0) < 10:
            # The rectangle of a right-aligned text may begin in the pixel
            # where its neighbour's ends; ink is at least one apart.
            assert a.x1 < b.x0 + 1 or b.x1 < a.x0 + 1, (first, second)
