"""From positions on the sky to stamps of one image, and of three."""

__all__ = ("Arrays", "Grid", "OpenImage", "Opener", "around", "cut_stamps", "cut_triplets", "pad")

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..domain import Box, CutoutsError, Stamp, Triplet
from ._errors import MissingDatasetError, StampError, Stamps
from ._psf import psf_image
from .wcs._sky_map import SkyMap, sky_jacobians

type Arrays = dict[str, list[NDArray[Any]]]
"""By ``image``, ``mask`` and ``variance`` the pixels of each box, (rows, columns)."""


def around(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that holds some others."""
    sides = zip(*((box.x_start, box.x_stop, box.y_start, box.y_stop) for box in boxes), strict=True)
    x_starts, x_stops, y_starts, y_stops = sides
    return Box(min(x_starts), max(x_stops), min(y_starts), max(y_stops))


@dataclass(frozen=True)
class Grid:
    """Where the pixels of an image lie."""

    box: Box
    """The pixels of the image, PARENT pixels."""
    sky_map: SkyMap
    """The exact WCS of the image."""


class OpenImage(Protocol):
    """An image whose pixels can be read in boxes."""

    @property
    def name(self) -> str:
        """Path or dataset, for messages."""
        ...

    @property
    def box(self) -> Box:
        """The pixels of the image, PARENT pixels."""
        ...

    @property
    def sky_map(self) -> SkyMap:
        """The exact WCS of the image."""
        ...

    @property
    def unit(self) -> str | None:
        """Unit of the pixels; `None` where nothing says it."""
        ...

    @property
    def mask_planes(self) -> Mapping[str, int]:
        """Bit number of each mask plane, by afw's name; none where there is no mask."""
        ...

    def read(self, boxes: Sequence[Box], kinds: Collection[str] = ("image",)) -> Arrays:
        """Return the pixels of boxes that lie on the image.

        ``boxes``: PARENT pixels. ``kinds``: those of ``image``, ``mask`` and ``variance`` that are wanted.
        """
        ...

    @property
    def psf(self) -> Any:
        """The point-spread function, of afw or lsst.images; `None` where there is none to be had."""
        ...

    def close(self) -> None:
        """Release what is open."""
        ...


def cut_stamps(
    image: OpenImage,
    role: str,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    sizes: NDArray[np.int64],
    *,
    with_mask: bool,
    extras: Collection[str] = (),
) -> list[tuple[Stamp, ...] | StampError]:
    """Return the stamps of one image around some positions.

    ``image``: the image; its pixels are read in one call. ``x``, ``y``: PARENT pixels, shape (N,). ``sizes``:
    sides of the stamps in pixels, shape (N, sizes). ``with_mask``: whether to read the mask too. ``extras``:
    what else to read where the image has it: ``variance``, ``psf``. Returns: for each position a stamp per
    size, or why there are none. Pixels with the mask plane NO_DATA are NaN, whatever the image has there:
    templates of the pipelines have 0.
    """
    wanted: list[list[Box]] = []
    largest: list[Box] = []
    parts: list[Box] = []
    for xi, yi, sides in zip(x.tolist(), y.tolist(), sizes.tolist(), strict=True):
        is_somewhere = math.isfinite(xi) and math.isfinite(yi)
        boxes = [Box.from_center(xi, yi, size) for size in sides] if is_somewhere else []
        inside = [part for box in boxes if (part := image.box.intersection(box)) is not None]
        if len(inside) < len(boxes):
            boxes = []
        wanted.append(boxes)
        if boxes:
            # The largest box of a source holds the others.
            index = sides.index(max(sides))
            largest.append(boxes[index])
            parts.append(inside[index])

    planes = image.mask_planes
    kinds = {"image", *extras} & {"image", "variance"}
    if with_mask or "NO_DATA" in planes:
        kinds.add("mask")
    found = {kind: iter(arrays) for kind, arrays in image.read(parts, kinds).items()}
    arrays, masks, variances = found["image"], found.get("mask"), found.get("variance")
    if with_mask and masks is None:
        raise CutoutsError(f"{image.name}: has no mask")
    psf = image.psf if "psf" in extras else None
    no_data = 1 << planes["NO_DATA"] if "NO_DATA" in planes else 0
    places = iter(zip(largest, parts, strict=True))
    unit = image.unit
    results: list[tuple[Stamp, ...] | StampError] = []
    for xi, yi, boxes in zip(x.tolist(), y.tolist(), wanted, strict=True):
        if not boxes:
            results.append(_off_image(image, role, xi, yi))
            continue
        outer, part = next(places)
        array = pad(next(arrays), part, outer, np.nan, np.float32)
        mask = None if masks is None else pad(next(masks), part, outer, no_data, np.uint32)
        if mask is not None and no_data:
            array[mask & no_data != 0] = np.nan
        variance = None if variances is None else pad(next(variances), part, outer, np.nan, np.float32)
        kernel = None if psf is None else psf_image(psf, xi, yi)
        stamps = []
        for box in boxes:
            stamps.append(
                Stamp(
                    array=_part(array, box, outer),
                    box=box,
                    mask=_part(mask, box, outer) if with_mask and mask is not None else None,
                    mask_planes=planes if with_mask else {},
                    unit=unit,
                    variance=None if variance is None else _part(variance, box, outer),
                    psf=kernel,
                )
            )
        results.append(tuple(stamps))
    return results


def _part(array: NDArray[Any], box: Box, outer: Box) -> NDArray[Any]:
    """Return the pixels of a box out of those of another that holds it."""
    return array if box is outer else np.ascontiguousarray(array[box.slices_within(outer)])


def pad(array: NDArray[Any], part: Box, box: Box, fill: float, dtype: DTypeLike) -> NDArray[Any]:
    """Return a copy of the pixels of a part of a box, with the others filled."""
    if part == box:
        return np.array(array, dtype=dtype)
    padded = np.full(box.shape, fill, dtype=dtype)
    padded[part.slices_within(box)] = array
    return padded


def _off_image(image: OpenImage, role: str, x: float, y: float) -> StampError:
    box = image.box
    where = "a place its WCS cannot reach"
    if np.isfinite(x) and np.isfinite(y):
        where = f"x = {x:.1f}, y = {y:.1f}"
    return StampError(
        f"stamp is wholly off the {role} image: the source is at {where}, the image "
        f"covers x {box.x_start}:{box.x_stop}, y {box.y_start}:{box.y_stop} ({image.name})"
    )


type Opener = Callable[[Grid | None], OpenImage]
"""What opens an image; the science image's grid is known for the others."""


def cut_triplets(
    openers: Mapping[str, Opener],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    sizes: ArrayLike,
    *,
    with_mask: bool,
    require_difference: bool,
    extras: Collection[str] = (),
) -> Stamps:
    """Return the stamps of three images around some sky positions.

    ``openers``: what opens the template, the science and the difference image; each is called once, and the
    image closed before the next one is opened. ``ra``, ``dec``: ICRS degrees, shape (N,). ``sizes``: sides of
    the stamps in pixels: the same for all sources, shape (sizes,), or each source its own, shape (N, sizes).
    ``with_mask``: whether the stamps have masks too. ``require_difference``: whether there are no stamps
    where there is no difference image. ``extras``: what else to read where an image has it: ``variance``,
    ``psf``. Returns: for each position a triplet per size, or why there are none.
    """
    ra, dec = np.atleast_1d(np.asarray(ra, np.float64)), np.atleast_1d(np.asarray(dec, np.float64))
    sides = _check(ra, dec, sizes)
    is_usable = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90.0)
    usable = np.flatnonzero(is_usable)
    results: Stamps = [()] * len(ra)
    for i in np.flatnonzero(~is_usable).tolist():
        results[i] = StampError(f"has no position: ra = {ra[i]}, dec = {dec[i]}")
    if not usable.size:
        return results
    ra, dec, sides = ra[usable], dec[usable], sides[usable]

    stamps: dict[str, list[tuple[Stamp, ...] | StampError]] = {}
    origins: list[str] = [""] * len(ra)
    jacobians = np.full((len(ra), 2, 2), np.nan)
    positions: list[tuple[float, float]] = []
    grid: Grid | None = None
    sky_map: SkyMap | None = None
    for role in ("science", "template", "difference"):
        name = ""
        try:
            with closing(openers[role](grid)) as image:
                name = f"{image.name}: "
                if image.sky_map is not sky_map:
                    sky_map = image.sky_map
                    x, y = sky_map.sky_to_pixel(ra, dec)
                stamps[role] = cut = cut_stamps(image, role, x, y, sides, with_mask=with_mask, extras=extras)
                there = [i for i, found in enumerate(cut) if not isinstance(found, StampError)]
                if role == "science":
                    grid = Grid(image.box, sky_map)
                    # Not every WCS can be asked about places far off its image.
                    jacobians[there] = sky_jacobians(sky_map, x[there], y[there])
                    positions = list(zip(x.tolist(), y.tolist(), strict=True))
                elif (origin := getattr(image, "origin", None)) is not None:  # of a template that is warped
                    origins = [origin(found) if isinstance(found, tuple) else "" for found in cut]
        except Exception as error:
            if role == "difference" and isinstance(error, MissingDatasetError) and not require_difference:
                continue
            # Whatever is wrong with an image must cost no other one.
            failure = StampError(_reason(role, name, error))
            for position in usable:
                results[position] = failure
            return results

    for i, position in enumerate(usable):
        found = {role: cut[i] for role, cut in stamps.items()}
        cuts = {role: cut for role, cut in found.items() if not isinstance(cut, StampError)}
        if len(cuts) < len(found):
            results[position] = next(cut for cut in found.values() if isinstance(cut, StampError))
            continue
        results[position] = tuple(
            Triplet(
                template=cuts["template"][k],
                science=cuts["science"][k],
                difference=cuts["difference"][k] if "difference" in cuts else None,
                sky_jacobian=jacobians[i],
                position=positions[i],
                template_source=origins[i],
                sky_map=grid.sky_map if grid is not None else None,
            )
            for k in range(sides.shape[1])
        )
    return results


def _check(ra: NDArray[np.float64], dec: NDArray[np.float64], sizes: ArrayLike) -> NDArray[np.int64]:
    """Return the sizes of each source's stamps, shape (N, sizes)."""
    if ra.shape != dec.shape or ra.ndim != 1:
        raise ValueError(
            f"ra and dec must be two arrays of one length, not of shapes {ra.shape}, {dec.shape}"
        )
    sides = np.asarray(sizes)
    if sides.ndim == 1:
        sides = np.broadcast_to(sides, (len(ra), len(sides)))
    if sides.ndim != 2 or len(sides) != len(ra):
        raise ValueError(f"sizes must be one list for all or one for each source, not of shape {sides.shape}")
    if sides.dtype.kind not in "iu" or sides.shape[1] == 0 or (sides < 1).any():
        raise ValueError(f"sizes must be positive numbers of pixels, not {sides.tolist()}")
    return sides.astype(np.int64)


def _reason(role: str, name: str, error: Exception) -> str:
    if isinstance(error, CutoutsError):
        return f"{role} image: {error}"
    return f"{role} image: {name}{type(error).__name__}: {error}"
