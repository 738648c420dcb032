"""Stamps of other sizes than those that are wanted."""

import numpy as np
import pyarrow as pa
import pytest
from tests.stamps.helpers import catalogue, triplet

from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.stamps import stamp_table

SKY = np.eye(2)


def ramp(box):
    """Return pixels that tell where they are."""
    y, x = np.mgrid[box.y_start : box.y_stop, box.x_start : box.x_stop]
    return (1000 * y + x).astype(np.float32)


def ramps(box, position):
    stamps = [Stamp(ramp(box) + 0.25 * n, box) for n in range(3)]
    return Triplet(*stamps, sky_jacobian=SKY, position=position)


def pixels(table, name, size):
    return table.column(name).combine_chunks().flatten().to_numpy().reshape(-1, 3, size, size)


def test_smaller_and_larger_stamps_come_to_one_size_around_the_source():
    """Compared pixel by pixel with where each one belongs."""
    rng = np.random.default_rng(5)
    triplets, positions = [], []
    for _ in range(60):
        side = int(rng.integers(1, 25))
        x, y = rng.uniform(100, 110, 2)
        box = Box.from_center(x + rng.integers(-3, 4), y + rng.integers(-3, 4), side)
        triplets.append([ramps(box, (x, y))])
        positions.append((x, y))
    table = stamp_table((10,), catalogue(range(1, 61)), triplets)
    for found, (of_source,), (x, y), row in zip(
        pixels(table, "stamps", 10),
        triplets,
        positions,
        table.select(["x0", "y0", "CRPIX1"]).to_pylist(),
        strict=True,
    ):
        wanted, there = Box.from_center(x, y, 10), of_source.science.box
        if there.shape == (10, 10):
            wanted = there
        expected = ramp(wanted)
        ys, xs = np.mgrid[wanted.y_start : wanted.y_stop, wanted.x_start : wanted.x_stop]
        inside = (there.y_start <= ys) & (ys < there.y_stop) & (there.x_start <= xs) & (xs < there.x_stop)
        for n in range(3):
            np.testing.assert_array_equal(found[n], np.where(inside, expected + 0.25 * n, np.nan))
        assert (row["x0"], row["y0"]) == (wanted.x_start, wanted.y_start)
        assert row["CRPIX1"] == pytest.approx(x - wanted.x_start + 1)


def test_of_several_stamps_the_nearest_is_taken():
    position = (50.2, 60.7)
    of_source = [ramps(Box.from_center(*position, side), position) for side in (9, 30, 21)]
    for size, width in {9: 9, 12: 12, 21: 21, 40: 30}.items():
        found = pixels(stamp_table((size,), catalogue([1]), [of_source]), "stamps", size)[0, 1]
        assert np.isfinite(found).sum() == width**2


def test_a_source_whose_place_nobody_knows_is_in_the_middle():
    for position in (None, (np.nan, 3.0)):
        (found,) = pixels(
            stamp_table((3,), catalogue([1]), [[ramps(Box(10, 17, 20, 27), position)]]), "stamps", 3
        )
        np.testing.assert_array_equal(found[0], ramp(Box(12, 15, 22, 25)))


def test_a_triplet_without_difference_has_none():
    whole = triplet(1, 5)
    lone = Triplet(whole.template, whole.science, None, SKY, (100.0, 40.0))
    table = stamp_table((5,), catalogue([1]), [[lone]], ("mask", "variance"))
    (found,), (variance,), (mask,) = (
        pixels(table, n, 5) for n in ("stamps", "stamps_variance", "stamps_mask")
    )
    np.testing.assert_array_equal(found[:2], [whole.template.array, whole.science.array])
    assert np.isnan(found[2]).all()
    assert np.isnan(variance[2]).all()
    assert not mask[2].any()


def test_a_border_without_data_is_masked():
    table = stamp_table((9,), catalogue([1]), [[triplet(1, 5)]], ("mask",))
    (mask,) = pixels(table, "stamps_mask", 9)
    (image,) = pixels(table, "stamps", 9)
    no_data = 1  # BAD, NO_DATA, SAT
    assert ((mask[0] >> no_data & 1) == np.isnan(image[0])).all()
    assert np.isnan(image[0]).sum() == 81 - 25


def test_bit_31_is_a_bit_like_others():
    box = Box(0, 2, 0, 2)
    mask = np.array([[1 << 31, 1], [0, 1 << 31]], np.uint32).view(np.int32)
    stamp = Stamp(ramp(box), box, mask, {"HIGH": 31, "LOW": 0})
    table = stamp_table((2,), catalogue([1]), [[Triplet(stamp, stamp, stamp, SKY)]], ("mask",))
    np.testing.assert_array_equal(pixels(table, "stamps_mask", 2)[0, 0], [[1, 2], [0, 1]])


def test_no_sources_make_a_table_too():
    rows = catalogue([1]).slice(1)
    table = stamp_table((5, 8), rows, [], ("mask",))
    assert len(table) == 0
    assert table.schema.field("stamps_8").type == pa.list_(pa.float32(), 3 * 64)
