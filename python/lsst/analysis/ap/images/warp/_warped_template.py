"""A template of a detector that is warped from coadds when it is read."""

__all__ = ("Tract", "WarpedTemplate")

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...domain import Box, Stamp
from .._cut import Grid
from ..wcs._sky_map import SkyMap
from ._lanczos import CLOSE, FIRST, TAPS, resample
from ._patches import CoaddImage, common_planes, cut_tract

Floats = NDArray[np.float64]

BORDER = 20
"""Pixels by which a template is larger than the science image on each side
(``templateBorderSize`` of GetTemplateTask); stamps at an edge reach as far as
those of a template that the pipelines made."""

MAX_PIXELS = 2**19
"""Pixels of stamps that are warped at once; it bounds the memory."""


MAX_SCALE = 8
"""How many times finer the pixels of a coadd may be: a damaged WCS would fill
the memory."""


@dataclass(frozen=True)
class Tract:
    """The patches of a tract that a detector touches."""

    name: str
    """What to call the tract."""

    patches: Mapping[str, CoaddImage]
    """Images on one grid of pixels, open, by what to call them."""


class WarpedTemplate:
    """A template made of coadds, in the pixels of a science image.

    Parameters
    ----------
    science : `Grid`
        The pixels of the science image.
    tracts : `~collections.abc.Sequence` [`Tract`]
        The coadds, of one band and one sky map; closed with the template.
    name : `str`
        What to call it in messages.
    """

    has_mask = True

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

    def read(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        # Docstring inherited.
        self._warp(boxes)
        return [self._stamps[box].values for box in boxes]

    def read_mask(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        # Docstring inherited.
        self._warp(boxes)
        return [self._stamps[box].bits for box in boxes]

    def origin(self, stamps: Sequence[Stamp]) -> str:
        """Return which patches are in the stamps of a source.

        Parameters
        ----------
        stamps : `~collections.abc.Sequence` [`Stamp`]
            Stamps of several sizes; the largest one was read.

        Returns
        -------
        origin : `str`
            The patches that have any pixel with data in it, in words.
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

    def _warp(self, boxes: Sequence[Box]) -> None:
        """Warp the stamps that were not yet."""
        new = [box for box in dict.fromkeys(boxes) if box not in self._stamps]
        for group in _groups(new):
            self._stamps |= zip(group, self._warp_group(group), strict=True)

    def _warp_group(self, boxes: Sequence[Box]) -> list["_Stamp"]:
        # One pixel more on each side, for the size that a pixel has on the coadd.
        grown = [Box(b.x_start - 1, b.x_stop + 1, b.y_start - 1, b.y_stop + 1) for b in boxes]
        x, y = (np.concatenate(axis) for axis in zip(*map(_centers, grown), strict=True))
        ra, dec = self.sky_map.pixel_to_sky(x, y)
        layers = [
            layer
            for tract in self._tracts
            if (layer := _warp_tract(tract, self.mask_planes, grown, ra, dec)) is not None
        ]
        count = sum(box.width * box.height for box in boxes)
        values, bits = _merge(layers, count)
        if "NO_DATA" in self.mask_planes:
            bits[np.isnan(values)] |= np.uint32(1 << self.mask_planes["NO_DATA"])
        stamps = []
        start = 0
        for i, box in enumerate(boxes):
            part = slice(start, start + box.width * box.height)
            origin = "; ".join(layer.used[i] for layer in layers if layer.used[i])
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


def _warp_tract(
    tract: Tract, planes: Mapping[str, int], grown: Sequence[Box], ra: Floats, dec: Floats
) -> _Layer | None:
    """Warp what a tract has of some stamps, whose pixels have a sky position each."""
    patches = list(tract.patches.values())
    whole = _around([patch.box for patch in patches])
    sky_map = patches[0].sky_map
    all_u, all_v = sky_map.sky_to_pixel(ra, dec)
    starts = np.concatenate([[0], np.cumsum([box.width * box.height for box in grown])])
    cells: list[Box] = []
    places: list[tuple[NDArray[np.intp], int]] = []
    parts: list[tuple[Floats, Floats, Floats]] = []
    cell_of: dict[int, int] = {}
    first = 0
    for i, box in enumerate(grown):
        part = slice(starts[i], starts[i + 1])
        grid_u, grid_v = (axis[part].reshape(box.shape) for axis in (all_u, all_v))
        area = _area(grid_u, grid_v).ravel()
        u, v = grid_u[1:-1, 1:-1].ravel(), grid_v[1:-1, 1:-1].ravel()
        there = np.flatnonzero(
            _reaches(u, whole.x_start, whole.x_stop) & _reaches(v, whole.y_start, whole.y_stop)
        )
        if there.size:
            u, v = u[there], v[there]
            cell_of[i] = len(cells)
            cells.append(_cell(u, v))
            if cells[-1].width * cells[-1].height > MAX_SCALE**2 * max(box.width, TAPS) * max(
                box.height, TAPS
            ):
                raise ValueError(
                    f"{tract.name} has pixels more than {MAX_SCALE} times finer than the image's"
                )
            places.append((first + there, i))
            parts.append((u, v, area[there]))
        first += (box.width - 2) * (box.height - 2)
    if not cells:
        return None
    cutouts = cut_tract(patches, cells, planes)
    lengths = [len(u) for u, _, _ in parts]
    u = np.concatenate([u - cell.x_start for (u, _, _), cell in zip(parts, cells, strict=True)])
    v = np.concatenate([v - cell.y_start for (_, v, _), cell in zip(parts, cells, strict=True)])
    area = np.concatenate([area for _, _, area in parts])
    warped = resample(
        cutouts.mosaic,
        np.repeat(cutouts.starts, lengths),
        np.repeat(np.array([cell.width for cell in cells], dtype=np.intp), lengths),
        u,
        v,
    )
    where = np.concatenate([place for place, _ in places])
    layer = _Layer(np.full(first, np.nan), np.full(first, np.nan), np.zeros(first, np.uint32), [])
    layer.values[where] = warped.values * area
    layer.variances[where] = warped.variances * area**2
    layer.bits[where] = warped.bits
    names = list(tract.patches)
    for i in range(len(grown)):
        used = cutouts.used[cell_of[i]] if i in cell_of else []
        layer.used.append(f"{tract.name} patch {', '.join(names[n] for n in used)}" if used else "")
    return layer


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(box.x_start for box in boxes),
        max(box.x_stop for box in boxes),
        min(box.y_start for box in boxes),
        max(box.y_stop for box in boxes),
    )


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
