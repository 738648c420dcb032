"""Compare painted pictures with the ordinary drawing of the same figure.

Prints, for several styles, milliseconds and bytes per picture and how many
times faster the painted picture is, then where its time goes. Both ways take
turns within one run; medians count. Numbers of different runs cannot be
compared on a shared machine, their ratios can.
"""

import argparse
import io
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, Renderer, draw_figure
from lsst.analysis.ap.render._annotation import annotation
from lsst.analysis.ap.render._colors import inks
from lsst.analysis.ap.render._layout import ALL_PANELS
from lsst.analysis.ap.render._limits import panel_limits
from lsst.analysis.ap.render._orientation import view
from lsst.analysis.ap.render._paint import paint
from lsst.analysis.ap.render._png import png_file

STYLES = {
    "plain_30": PictureStyle(),
    "plain_51": PictureStyle(sizes=(51,)),
    "plain_100": PictureStyle(sizes=(100,)),
    "annotated_30": PictureStyle(add_metadata=True),
    "annotated_51": PictureStyle(sizes=(51,), add_metadata=True),
    "annotated_100": PictureStyle(sizes=(100,), add_metadata=True),
    "annotated_30_60": PictureStyle(sizes=(30, 60), add_metadata=True),
}


def figure_png(figure):
    """Return a figure as a PNG file, drawn by matplotlib."""
    buffer = io.BytesIO()
    figure.canvas.print_png(buffer)
    return buffer.getvalue()


def make_source(style: PictureStyle, seed: int) -> tuple[list[Triplet], dict[str, Any]]:
    """Return the stamps and the row of a source on its host galaxy."""
    rng = np.random.default_rng(seed)
    flux = float(10 ** rng.uniform(1.5, 4) * rng.choice((-1, 1, 1)))
    triplets = []
    for size in style.sizes:
        y, x = np.indices((size, size)) - size / 2 + rng.uniform(-0.5, 0.5)
        galaxy = rng.exponential(200) * np.exp(-np.hypot(x - 4, y + 2) / 3)
        source = flux / 25 * np.exp(-(x**2 + y**2) / 8)
        template = galaxy + rng.normal(0, 4, (size, size))
        science = galaxy + source + rng.normal(0, 12, (size, size))
        box = Box.from_center(2000, 2000, size)
        arrays = (template, science, science - template)
        stamps = [Stamp(array.astype(np.float32), box, unit="nJy") for array in arrays]
        triplets.append(Triplet(*stamps, sky_jacobian=np.array([[-0.16, 0.12], [0.12, 0.16]])))
    row = {
        "diaSourceId": int(rng.integers(10**18)),
        "instrument": "LSSTCam",
        "detector": int(rng.integers(189)),
        "visit": 2025051600123,
        "diaObjectId": int(rng.integers(10**18)),
        "ssObjectId": 0,
        "midpointMjdTai": 60811.0 + float(rng.random()),
        "band": "r",
        "ra": float(rng.uniform(0, 360)),
        "dec": float(rng.uniform(-90, 30)),
        "snr": abs(flux) / 100,
        "psfFlux": flux,
        "psfFluxErr": 100.0 + float(rng.normal()),
        "psfChi2": float(rng.exponential(1500)),
        "psfNdata": 1681,
        "apFlux": flux * 1.02,
        "apFluxErr": 120.0 + float(rng.normal()),
        "scienceFlux": flux + 5000,
        "scienceFluxErr": 110.0 + float(rng.normal()),
        "reliability": float(rng.random()),
        "isDipole": bool(rng.random() < 0.2),
        "pixelFlags_interpolated": bool(rng.random() < 0.2),
        "shape_flag": bool(rng.random() < 0.1),
    }
    return triplets, row


def milliseconds(function: Callable[[], object]) -> float:
    """Return how long the processor is busy with one call.

    Unlike the time of day this does not count when others have the core,
    which on a shared machine would flatter the shorter of two calls.
    """
    start = time.process_time_ns()
    function()
    return (time.process_time_ns() - start) / 1e6


def compare(style: PictureStyle, rounds: int) -> dict[str, float]:
    """Return medians for both ways of making pictures of a style."""
    renderer = Renderer(style)
    # As in a long run: the rasters are there, the sources are always new.
    for seed in range(500):
        renderer.render(*make_source(style, seed))
    figure_png(draw_figure(style, *make_source(style, 0)))
    drawn, painted, ratios, sizes = [], [], [], []
    for n in range(rounds):
        sources = [make_source(style, seed) for seed in range(500 + 16 * n, 516 + 16 * n)]
        triplets, row = sources[0]
        drawing = milliseconds(lambda t=triplets, r=row: figure_png(draw_figure(style, t, r)))
        compiling = statistics.median(
            milliseconds(lambda t=t, r=r: renderer.render(t, r)) for t, r in sources
        )
        drawn.append(drawing)
        painted.append(compiling)
        ratios.append(drawing / compiling)
        sizes.append(
            (len(figure_png(draw_figure(style, triplets, row))), len(renderer.render(triplets, row)))
        )
    return {
        "ratio": statistics.median(ratios),
        "drawn_ms": statistics.median(drawn),
        "painted_ms": statistics.median(painted),
        "drawn_bytes": statistics.median(size for size, _ in sizes),
        "painted_bytes": statistics.median(size for _, size in sizes),
    }


def painted(style, views, limits, row):
    """Return a picture whose memory the next one uses again."""
    with paint(style, ALL_PANELS, views, limits, row) as sheet:
        return sheet


def break_down(style: PictureStyle, rounds: int) -> dict[str, float]:
    """Return where the time of a painted picture goes, milliseconds."""
    renderer, ink = Renderer(style), inks(style.background)
    sources = []
    for seed in range(500, 500 + 10 * rounds):
        triplets, row = make_source(style, seed)
        views = [view(style, triplet, size) for triplet, size in zip(triplets, style.sizes, strict=True)]
        limits = [panel_limits(style, triplet, triplet.science.box.width) for triplet in triplets]
        sources.append((triplets, row, views, limits, painted(style, views, limits, row).copy()))
    parts: dict[str, Callable[..., object]] = {
        "limits": lambda triplets, *_: [panel_limits(style, t, t.science.box.width) for t in triplets],
        "painting": lambda _, row, views, limits, sheet: painted(style, views, limits, row),
        "compression": lambda _, row, views, limits, sheet: png_file(sheet.copy(), ()),
    }
    if style.add_metadata:
        parts["words and numbers"] = lambda _, row, *__: list(annotation(row, ink))
    parts["whole picture"] = lambda triplets, row, *_: renderer.render(triplets, row)
    return {
        name: statistics.median(milliseconds(lambda p=part, s=source: p(*s)) for source in sources)
        for name, part in parts.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="drawings of each style")
    parser.add_argument("--json", metavar="FILE", help="write ratios and figures there too")
    options = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    ratios: dict[str, float] = {}
    figures: dict[str, dict[str, float]] = {}
    print(f"{'style':<16} {'ratio':>6} {'drawn ms':>9} {'painted ms':>12} {'drawn bytes':>12} {'bytes':>8}")
    for name, style in STYLES.items():
        found = compare(style, options.rounds)
        ratios[name], figures[name] = round(found["ratio"], 1), found
        print(
            f"{name:<16} {found['ratio']:>6.1f} {found['drawn_ms']:>9.1f} {found['painted_ms']:>12.3f}"
            f" {found['drawn_bytes']:>12.0f} {found['painted_bytes']:>8.0f}"
        )
    for name in ("plain_30", "annotated_30", "annotated_51"):
        parts = break_down(STYLES[name], options.rounds)
        figures[f"{name}_parts_ms"] = parts
        print(f"{name}: " + ", ".join(f"{part} {value:.3f}" for part, value in parts.items()) + " ms")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"ratios": ratios, "figures": figures}, file, indent=2)


if __name__ == "__main__":
    main()
