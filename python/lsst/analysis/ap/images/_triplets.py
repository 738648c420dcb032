"""From positions on the sky to stamps of the three images."""

__all__ = ("Opener", "cut_triplets")

from collections.abc import Callable, Collection, Mapping
from contextlib import closing

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..domain import CutoutsError, Stamp, Triplet
from ._cut import Grid, OpenImage, cut_stamps
from ._errors import MissingDatasetError, StampError
from .warp._warped_template import WarpedTemplate
from .wcs._sky_map import SkyMap, sky_jacobians

type Opener = Callable[[Grid | None], OpenImage]
"""What opens an image; the science image's grid is known for the others."""


def cut_triplets(
    openers: Mapping[str, Opener],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    sizes: ArrayLike,
    *,
    with_mask: bool,
    require_difference: bool = True,
    extras: Collection[str] = (),
) -> list[tuple[Triplet, ...] | StampError]:
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
    results: list[tuple[Triplet, ...] | StampError] = [()] * len(ra)
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
                elif isinstance(image, WarpedTemplate):
                    origins = [image.origin(found) if isinstance(found, tuple) else "" for found in cut]
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
