"""A template of a detector that is warped from coadds when it is read."""

__all__ = ("Tract", "WarpedTemplate")

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...domain import Box, Stamp
from .._cut import Arrays, Grid, OpenImage, around
from ..wcs._sky_map import SkyMap
from ._lanczos import CLOSE, FIRST, TAPS, resample
from ._patches import common_planes, cut_tract

Floats = NDArray[np.float64]

BORDER = 20
"""Pixels by which a template is larger than the science image on each side (``templateBorderSize`` of
GetTemplateTask); stamps at an edge reach as far as those of a template that the pipelines made."""

MAX_PIXELS = 2**19
"""Pixels of stamps that are warped at once; it bounds the memory."""


MAX_SCALE = 8
"""How many times finer the pixels of a coadd may be: a damaged WCS would fill the memory."""


@dataclass(frozen=True)
class Tract:
    """The patches of a tract that a detector touches."""

    name: str
    """What to call the tract."""
    patches: Mapping[str, OpenImage]
    """Images on one grid of pixels, open, by what to call them."""


class WarpedTemplate:
    """A template made of coadds, in the pixels of a science image.

    ``science``: the pixels of the science image. ``tracts``: the coadds, of one band and one sky map; closed
    with the template.
    """

    psf: Any = None

    def __init__(self, science: Grid, tracts: Sequence[Tract], name: str) -> None:
        self.name = name
        self.sky_map: SkyMap = science.sky_map
        box = science.box
        self.box = Box(box.x_start - BORDER, box.x_stop + BORDER, box.y_start - BORDER, box.y_stop + BORDER)
        self._tracts = tracts
        patches = [patch for tract in tracts for patch in tract.patches.values()]
        self.mask_planes = common_planes(patches)
        self.unit = next((patch.unit for patch in patches), None)
        self._stamps: dict[Box, _Stamp] = {}

    def read(self, boxes: Sequence[Box], kinds: Collection[str] = ("image",)) -> Arrays:
        # Docstring inherited. There are no variances: those of the coadds are weights here.
        new = [box for box in dict.fromkeys(boxes) if box not in self._stamps]
        for group in _groups(new):
            self._stamps |= zip(group, self._warp(group), strict=True)
        stamps = [self._stamps[box] for box in boxes]
        arrays: Arrays = {"image": [stamp.values for stamp in stamps]}
        if "mask" in kinds:
            arrays["mask"] = [stamp.bits for stamp in stamps]
        return arrays

    def origin(self, stamps: Sequence[Stamp]) -> str:
        """Return which patches are in the stamps of a source.

        ``stamps``: stamps of several sizes; the largest one was read. Returns: the patches that have any
        pixel with data in it, in words.
        """
        largest = max((stamp.box for stamp in stamps), key=lambda box: box.width)
        part = largest.intersection(self.box)
        return "" if part is None else self._stamps[part].origin

    def close(self) -> None:
        """Close the coadds, and forget what was warped."""
        self._stamps.clear()
        for tract in self._tracts:
            for patch in tract.patches.values():
                patch.close()

    def _warp(self, boxes: Sequence[Box]) -> list["_Stamp"]:
        # One pixel more on each side, for the size that a pixel has on the coadd.
        grown = [Box(b.x_start - 1, b.x_stop + 1, b.y_start - 1, b.y_stop + 1) for b in boxes]
        x, y = (np.concatenate(axis) for axis in zip(*map(_centers, grown), strict=True))
        ra, dec = self.sky_map.pixel_to_sky(x, y)
        count = sum(box.width * box.height for box in boxes)
        placements = [_place(tract, grown, ra, dec) for tract in self._tracts]
        tracts = [sum(p.cells[i] is not None for p in placements) for i in range(len(boxes))]
        is_shared = [number > 1 for number in tracts]
        layers = [_warp_tract(p, self.mask_planes, is_shared, count) for p in placements if p.where.size]
        values, bits = _merge(layers, count)
        if "NO_DATA" in self.mask_planes:
            bits[np.isnan(values)] |= np.uint32(1 << self.mask_planes["NO_DATA"])
        stamps = []
        start = 0
        for i, box in enumerate(boxes):
            part = slice(start, start + box.width * box.height)
            used = "; ".join(layer.used[i] for layer in layers if layer.used[i])
            origin = f"{self.name}: {used or 'no patch'}"
            stamps.append(_Stamp(values[part].reshape(box.shape), bits[part].reshape(box.shape), origin))
            start = part.stop
        return stamps


@dataclass(frozen=True)
class _Stamp:
    values: NDArray[np.float32]
    bits: NDArray[np.uint32]
    origin: str


@dataclass(frozen=True)
class _Layer:
    """A tract, warped: for each pixel of the stamps, NaN where it has none."""

    values: Floats
    variances: Floats
    bits: NDArray[np.uint32]
    used: list[str]
    """For each stamp its patches, in words; empty for none."""


def _groups(boxes: Sequence[Box]) -> Iterator[list[Box]]:
    group: list[Box] = []
    size = 0
    for box in boxes:
        if group and size + box.width * box.height > MAX_PIXELS:
            yield group
            group, size = [], 0
        group.append(box)
        size += box.width * box.height
    if group:
        yield group


def _centers(box: Box) -> tuple[Floats, Floats]:
    y, x = np.mgrid[box.y_start : box.y_stop, box.x_start : box.x_stop].astype(np.float64)
    return x.ravel(), y.ravel()


@dataclass(frozen=True)
class _Placement:
    """Where the pixels of some stamps lie in a tract."""

    tract: Tract
    cells: list[Box | None]
    """For each stamp the pixels of the tract around it; `None` for none."""
    where: NDArray[np.intp]
    """Which pixels of all stamps have all their taps on the tract, shape (N,)."""
    u: Floats
    v: Floats
    """Their positions, from the first pixel of their cell, shape (N,)."""
    areas: Floats
    """Their areas in pixels of the coadd, shape (N,)."""
    counts: list[int]
    """How many pixels of each stamp these are."""


def _place(tract: Tract, grown: Sequence[Box], ra: Floats, dec: Floats) -> _Placement:
    """Find stamps, with a border of one pixel, in a tract."""
    patches = list(tract.patches.values())
    whole = around(patch.box for patch in patches)
    all_u, all_v = patches[0].sky_map.sky_to_pixel(ra, dec)
    cells: list[Box | None] = []
    columns: list[tuple[Any, ...]] = []
    counts = []
    start, first = 0, 0
    for box in grown:
        part = slice(start, start + box.width * box.height)
        grid_u, grid_v = (axis[part].reshape(box.shape) for axis in (all_u, all_v))
        u, v = grid_u[1:-1, 1:-1].ravel(), grid_v[1:-1, 1:-1].ravel()
        is_there = _reaches(u, whole.x_start, whole.x_stop) & _reaches(v, whole.y_start, whole.y_stop)
        there = np.flatnonzero(is_there)
        cell = None
        if there.size:
            u, v = u[there], v[there]
            cell = _cell(u, v)
            if cell.width * cell.height > MAX_SCALE**2 * max(box.width, TAPS) * max(box.height, TAPS):
                raise ValueError(
                    f"{tract.name} has pixels more than {MAX_SCALE} times finer than the image's"
                )
            areas = _area(grid_u, grid_v).ravel()[there]
            columns.append((first + there, u - cell.x_start, v - cell.y_start, areas))
        cells.append(cell)
        counts.append(there.size)
        start, first = part.stop, first + is_there.size
    if not columns:
        columns.append(tuple(np.zeros((4, 0))))
    where, u, v, areas = (np.concatenate(column) for column in zip(*columns, strict=True))
    return _Placement(tract, cells, where.astype(np.intp), u, v, areas, counts)


def _warp_tract(
    placement: _Placement, planes: Mapping[str, int], is_shared: Sequence[bool], count: int
) -> _Layer:
    """Warp what a tract has of the stamps; some of them have other tracts as well."""
    names = list(placement.tract.patches)
    layer = _Layer(np.full(count, np.nan), np.full(count, np.nan), np.zeros(count, np.uint32), [])
    known = [
        (cell, shared) for cell, shared in zip(placement.cells, is_shared, strict=True) if cell is not None
    ]
    cells = [cell for cell, _ in known]
    cutouts = cut_tract(
        list(placement.tract.patches.values()), cells, planes, [shared for _, shared in known]
    )
    lengths = [length for length in placement.counts if length]
    warped = resample(
        cutouts.mosaic,
        np.repeat(cutouts.starts, lengths),
        np.repeat(np.array([cell.width for cell in cells], dtype=np.intp), lengths),
        placement.u,
        placement.v,
        with_variance=any(is_shared),
    )
    layer.values[placement.where] = warped.values * placement.areas
    layer.variances[placement.where] = warped.variances * placement.areas**2
    layer.bits[placement.where] = warped.bits
    used = iter(cutouts.used)
    for cell in placement.cells:
        patches = [names[number] for number in next(used)] if cell is not None else []
        layer.used.append(f"{placement.tract.name} patch {', '.join(patches)}" if patches else "")
    return layer


def _area(u: Floats, v: Floats) -> Floats:
    """Return the area of each pixel but the outermost, in pixels of the coadd.

    Fluxes are those of a pixel, so a larger one has more.
    """
    du_dx, dv_dx = ((axis[1:-1, 2:] - axis[1:-1, :-2]) / 2 for axis in (u, v))
    du_dy, dv_dy = ((axis[2:, 1:-1] - axis[:-2, 1:-1]) / 2 for axis in (u, v))
    return np.asarray(np.abs(du_dx * dv_dy - du_dy * dv_dx))


def _reaches(position: Floats, start: int, stop: int) -> NDArray[np.bool_]:
    """Return where all taps around a position are pixels of ``start:stop``."""
    with np.errstate(invalid="ignore"):
        first, last = np.floor(position - CLOSE) + FIRST, np.floor(position + CLOSE) + FIRST + TAPS - 1
        return np.asarray((first >= start) & (last < stop))


def _cell(u: Floats, v: Floats) -> Box:
    """Return the box of all taps around some positions."""
    u_start, v_start = (int(np.floor(axis.min())) + FIRST for axis in (u, v))
    u_stop, v_stop = (int(np.floor(axis.max())) + FIRST + TAPS for axis in (u, v))
    return Box(u_start, u_stop, v_start, v_stop)


def _merge(layers: Sequence[_Layer], count: int) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Return the mean of tracts, weighted as their patches are."""
    if not layers:
        return np.full(count, np.nan, np.float32), np.zeros(count, np.uint32)
    weights = np.zeros(count)
    values = np.zeros(count)
    bits = np.zeros(count, dtype=np.uint32)
    for layer in layers:
        with np.errstate(invalid="ignore"):
            good = np.isfinite(layer.values) & (layer.variances > 0) & np.isfinite(layer.variances)
        weight = layer.variances[good] ** -0.5
        weights[good] += weight
        values[good] += layer.values[good] * weight
        bits[good] |= layer.bits[good]
    with np.errstate(invalid="ignore"):
        return (values / weights).astype(np.float32), bits
