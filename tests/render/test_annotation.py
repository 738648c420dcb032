import itertools
from typing import Any

import matplotlib
import numpy as np
import pytest
from PIL import ImageFont

from lsst.analysis.ap.render import PictureStyle, draw_figure
from lsst.analysis.ap.render._annotation import annotation, labels
from lsst.analysis.ap.render._colors import inks
from lsst.analysis.ap.render._flags import FLAG_WORDS, LABEL_FLAGS

INK = inks("light")

# Written out, so that a word that loses a column is noticed: the word, all its
# columns in the APDB, its colour in afw's displays (goldenrod for yellow).
WORDS = [
    ("EDGE", "pixelFlags_edge", "goldenrod"),
    ("INTERP", "pixelFlags_interpolated pixelFlags_interpolatedCenter", "green"),
    ("SAT", "pixelFlags_saturated pixelFlags_saturatedCenter", "green"),
    ("CR", "pixelFlags_cr pixelFlags_crCenter", "magenta"),
    ("BAD", "pixelFlags_bad", "red"),
    ("DIPOLE", "isDipole", "indigo"),
    ("SUS", "pixelFlags_suspect pixelFlags_suspectCenter", "goldenrod"),
    ("CENTROID", "centroid_flag", "red"),
    ("CEN+", "slot_Centroid_pos_flag", "chocolate"),
    ("CEN-", "slot_Centroid_neg_flag", "blue"),
    ("SHAPE", "shape_flag shape_flag_no_pixels shape_flag_not_contained shape_flag_parent_source", "red"),
    ("NODATA", "pixelFlags_nodata pixelFlags_nodataCenter", "orange"),
    ("OFF", "pixelFlags_offimage", "darkcyan"),
    ("NEG", "isNegative", "darkcyan"),
    ("INJ", "pixelFlags_injected pixelFlags_injectedCenter", "indigo"),
    ("INJT", "pixelFlags_injected_template pixelFlags_injected_templateCenter", "indigo"),
    ("STREAK", "pixelFlags_streak pixelFlags_streakCenter", "chocolate"),
    ("GLINT", "glint_trail", "chocolate"),
]
LABELS = [
    ("PSF (nJy):", "psfFlux_flag psfFlux_flag_noGoodPixels psfFlux_flag_edge"),
    ("ap (nJy):", "apFlux_flag apFlux_flag_apertureTruncated"),
    ("total (nJy):", "forced_PsfFlux_flag forced_PsfFlux_flag_noGoodPixels forced_PsfFlux_flag_edge"),
]
HUES = {
    "goldenrod": (218, 165, 32),
    "green": (0, 128, 0),
    "magenta": (255, 0, 255),
    "red": (255, 0, 0),
    "indigo": (75, 0, 130),
    "chocolate": (210, 105, 30),
    "blue": (0, 0, 255),
    "orange": (255, 165, 0),
    "darkcyan": (0, 139, 139),
}
EVERY_FLAG = dict.fromkeys(
    " ".join(columns for columns in [c for _, c, _ in WORDS] + [c for _, c in LABELS]).split(), True
)
EXTREMES = {
    "diaSourceId": 2**63 - 1,
    "diaObjectId": 2**63 - 1,
    "ssObjectId": 2**63 - 1,
    "instrument": "LSSTComCamSimulated",
    "detector": 188,
    "visit": 2025051600123,
    "band": "white light",
    "ra": 359.99999999,
    "dec": -89.99999999,
    "midpointMjdTai": 123456.7891234,
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


def test_no_word_is_left_out_here():
    assert {word for word, _, _ in WORDS} == {flag.word for flag in FLAG_WORDS}
    assert sum(len(columns.split()) for _, columns, _ in WORDS) == sum(len(f.columns) for f in FLAG_WORDS)
    assert sorted(itertools.chain(*LABEL_FLAGS.values())) == sorted(" ".join(c for _, c in LABELS).split())


@pytest.mark.parametrize(("word", "columns", "color"), WORDS)
def test_a_flag_word_appears_when_any_of_its_columns_is_set(word, columns, color):
    assert word not in texts({})
    for column in columns.split():
        found = [item for item in annotation({column: True}, INK) if item.bold and item.text == word]
        assert [item.text for item in found] == [word]
        assert word in texts({column: np.int8(1)})
        assert word not in texts({column: False})
        assert word not in texts({column: None})
        # The wanted hue, made darker where it could not be read.
        wanted, shown = np.array(HUES[color], float), np.array(found[0].color, float)
        assert (shown <= wanted + 1).all()
        assert shown @ wanted / np.linalg.norm(shown) / np.linalg.norm(wanted) > 0.99


@pytest.mark.parametrize("word", [word for word, _, _ in WORDS])
def test_one_flag_sets_one_word(word):
    columns = next(columns for each, columns, _ in WORDS if each == word).split()
    shown = {text for text in texts({columns[0]: True}) if text in {w for w, _, _ in WORDS}}
    assert shown == {word}


@pytest.mark.parametrize(("label", "columns"), LABELS)
def test_a_label_turns_red_with_any_of_its_flags(label, columns):
    def colors(row: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
        return {i.text: i.color for i in annotation(row, INK) if i.text in {each for each, _ in LABELS}}

    gray = colors({})
    assert len(set(gray.values())) == 1
    red, green, blue = gray[label]
    assert red == green == blue
    for column in columns.split():
        found = colors({column: True})
        red, green, blue = found.pop(label)
        assert red > 200
        assert max(green, blue) < 40
        assert found == {other: color for other, color in gray.items() if other != label}


@pytest.mark.parametrize(
    ("name", "value", "text", "line", "left"),
    [
        ("diaSourceId", 506428274000265570, "506428274000265570", 0, 84),
        ("instrument", "LSSTCam", "LSSTCam", 0, 248),
        ("detector", 94, "94", 0, 439),
        ("visit", 2025051600123, "2025051600123", 0, 508),
        ("band", "r", "r", 0, 622),
        ("ra", 244.91128319, "244.91128319", 1, 24),
        ("dec", 5.04370948, "+5.04370948", 1, 158),
        ("dec", -45.04370948, "-45.04370948", 1, 158),
        ("snr", 30.34, "30.3", 1, 370),
        ("diaObjectId", 313853499999999123, "313853499999999123", 5, 84),
        ("ssObjectId", 23133931615303000, "23133931615303000", 5, 326),
        ("midpointMjdTai", 61052.3124561, "61052.31246", 5, 552),
    ],
)
def test_a_value_has_its_place(name, value, text, line, left):
    found = [(item.text, item.line, item.x) for item in annotation({name: value}, INK)]
    assert (text, line, left) in found


@pytest.mark.parametrize(
    ("names", "line"), [("psfFlux", 2), ("apFlux", 3), ("scienceFlux", 4)], ids=["psf", "ap", "total"]
)
def test_fluxes_end_at_their_places(names, line):
    items = annotation({names: -3025.94, f"{names}Err": 100.04}, INK)
    found = {(i.text, i.x) for i in items if i.line == line and i.right}
    assert found >= {("-3025.9", 156), ("100.0", 246), ("30.25", 328)}


@pytest.mark.parametrize("text", ["+/-", "S/N:"])
def test_what_every_flux_has_stands_in_one_column(text):
    found = [item for item in labels(INK) if item.text == text]
    assert [item.line for item in found] == [2, 3, 4]
    assert len({(item.x, item.width, item.color) for item in found}) == 1


def test_the_magnitude_ends_at_its_place():
    found = {(i.text, i.line, i.x) for i in annotation({"scienceFlux": 4025.9}, INK) if i.right}
    assert ("22.388", 4, 438) in found
    assert all(i.width >= 8 * len(i.text) for i in annotation({"scienceFlux": 4025.9}, INK) if i.number)


@pytest.mark.parametrize("name", ["diaObjectId", "ssObjectId"])
def test_zero_is_no_object(name):
    assert texts({name: 0}) == texts({name: None}) == texts({})
    assert "0" in texts({"diaSourceId": 0})


def test_signal_to_noise_and_chi2_need_a_divisor():
    assert "30.26" in texts({"psfFlux": -3025.9, "psfFluxErr": 100.0})
    assert texts({"psfFlux": 1.0, "psfFluxErr": 0.0}).count("1.0") == 1
    assert "0.40" in texts({"psfChi2": 40, "psfNdata": 100})
    assert texts({"psfChi2": 40, "psfNdata": 0}) == texts({})


def test_reliability_says_blue_or_vermilion():
    def found(value: float) -> tuple[str, bool]:
        text, (red, _, blue) = next(
            (i.text, i.color) for i in annotation({"reliability": value}, INK) if "RB" in i.text
        )
        assert (blue - 100 > red) or (red - 100 > blue)
        return text, blue > red

    assert found(0.6824) == ("RB:0.682", True)
    assert found(0.5) == ("RB:0.500", True)
    assert found(0.49) == ("RB:0.490", False)


def test_flag_words_follow_one_another_at_one_distance():
    """By their lengths as another program knows them."""
    face = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf"
    length = ImageFont.truetype(face, 1300).getlength  # a hundred times as large as in a picture
    words = {word for word, _, _ in WORDS}
    items = [item for item in annotation(EVERY_FLAG, INK) if item.text in words]
    gaps = {
        b.text: b.x - a.x - length(a.text) / 100 for a, b in itertools.pairwise(items) if a.line == b.line
    }
    assert len(gaps) == len(words) - 4
    assert max(gaps.values()) - min(gaps.values()) < 1, gaps  # places are whole pixels


@pytest.mark.parametrize("row", [EXTREMES, {**EXTREMES, **EVERY_FLAG}])
@pytest.mark.parametrize("panel_pixels", [210, 420])
def test_nothing_collides_and_nothing_leaves_the_text_rows(make_triplet, row, panel_pixels):
    figure = draw_figure(PictureStyle(add_metadata=True, panel_pixels=panel_pixels), [make_triplet()], row)
    figure.canvas.draw()
    assert len(figure.texts) == len(list(labels(INK))) + len(texts(row))
    scale = panel_pixels / 210
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.texts]
    for name, box in boxes:
        assert box.x0 >= 10 * scale, name
        assert box.x1 <= 661.5 * scale, name
    for (first, a), (second, b) in itertools.combinations(boxes, 2):
        if abs(a.y0 - b.y0) < 10 * scale:
            # The rectangle of a right-aligned text may begin in the pixel
            # where its neighbour's ends; ink is at least one apart.
            assert a.x1 < b.x0 + 1 or b.x1 < a.x0 + 1, (first, second)
