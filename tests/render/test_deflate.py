import itertools
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.ap.render._deflate import bit_segment, deflated, joined_segments, zlib_stream
from lsst.analysis.ap.render._huffman import (
    MAXIMUM_LENGTH,
    code_lengths,
    distance_symbol,
    length_symbol,
    prefix_code,
)
from lsst.analysis.ap.render._panel_code import PanelCode


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.data())
def test_segments_make_a_stream_that_zlib_reads(parts, data):
    segments = [deflated(part, small=data.draw(st.booleans())) for part in parts]
    assert zlib.decompress(zlib_stream(segments)) == b"".join(parts)
    assert zlib.decompress(zlib_stream([joined_segments(segments)])) == b"".join(parts)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 64)), min_size=1, max_size=200))
def test_bits_are_joined_without_gaps(pieces):
    values = [value & ((1 << length) - 1) for value, length in pieces]
    lengths = [length for _, length in pieces]
    expected = "".join(f"{v:0{n}b}"[::-1] if n else "" for v, n in zip(values, lengths, strict=True))
    segment = bit_segment(np.array(values, dtype=np.uint64), np.array(lengths, dtype=np.int64), 0, 0, 0)
    found = "".join(f"{byte:08b}"[::-1] for byte in segment.data[:-4])
    assert found[: len(expected)] == expected
    assert set(found[len(expected) :]) <= {"0"}
    assert segment.data[-4:] == b"\x00\x00\xff\xff"


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=286).filter(lambda c: sum(map(bool, c)) > 1))
def test_codes_are_complete_and_free_of_prefixes(counts):
    lengths = code_lengths(counts)
    assert all((length > 0) == (count > 0) for length, count in zip(lengths, counts, strict=True))
    assert max(lengths) <= MAXIMUM_LENGTH
    assert sum(2.0**-length for length in lengths if length) == 1.0
    codes = [f"{value:0{length}b}"[::-1] for value, length in prefix_code(lengths) if length]
    codes.sort()
    assert not any(b.startswith(a) for a, b in itertools.pairwise(codes))


@pytest.mark.parametrize(
    ("length", "symbol", "extra"), [(3, 257, (0, 0)), (12, 265, (1, 1)), (258, 285, (0, 0))]
)
def test_lengths_are_written_as_the_format_says(length, symbol, extra):
    assert length_symbol(length) == (symbol, extra)


@pytest.mark.parametrize(
    ("distance", "symbol", "extra"), [(1, 0, (0, 0)), (3, 2, (0, 0)), (2011, 21, (474, 9))]
)
def test_distances_are_written_as_the_format_says(distance, symbol, extra):
    assert distance_symbol(distance) == (symbol, extra)


@pytest.mark.parametrize(
    ("size", "factor", "starts", "width", "background"),
    [
        (30, 7, (10, 230, 450), 670, (255, 255, 255)),
        (51, 4, (10, 224, 438), 652, (18, 18, 18)),
        (5, 2, (0, 10, 20), 30, (1, 2, 3)),
        (1, 87, (3, 91, 180), 300, (255, 0, 0)),
        (4, 3, (7,), 21, (0, 0, 0)),
    ],
)
def test_panels_are_the_bytes_that_repeating_pixels_gives(size, factor, starts, width, background):
    rng = np.random.default_rng(size)
    colors = rng.integers(0, 256, (300, 3), dtype=np.uint8)
    code = PanelCode(colors, starts, size, factor, width, background)
    levels = rng.integers(0, 300, (len(starts), size, size))
    for rows in (size, 1):
        lines = np.zeros((rows * factor, 1 + 3 * width), dtype=np.uint8)
        lines[:, 1:] = np.tile(np.array(background, dtype=np.uint8), width)
        for x, level in zip(starts, levels[:, :rows], strict=True):
            panel = colors[level].repeat(factor, axis=0).repeat(factor, axis=1)
            lines[:, 1 + 3 * x : 1 + 3 * (x + size * factor)] = panel.reshape(len(lines), -1)
        repeated = np.arange(len(lines)) % factor != 0
        lines[repeated] = 0
        lines[repeated, 0] = 2
        stream = zlib_stream([deflated(b"before"), code.segment(levels[:, :rows]), deflated(b"after")])
        assert zlib.decompress(stream) == b"before" + lines.tobytes() + b"after"
