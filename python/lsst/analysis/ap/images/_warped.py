"""Open the coadds under a detector as a template of it."""

__all__ = ("open_warped_template",)

from collections.abc import Callable, Sequence

import numpy as np

from lsst.daf.butler import DeferredDatasetHandle

from ._cut import Grid, OpenImage
from .warp._warped_template import Tract, WarpedTemplate


def open_warped_template(
    handles: Sequence[DeferredDatasetHandle],
    open_image: Callable[[DeferredDatasetHandle], OpenImage],
    grid: Grid,
) -> WarpedTemplate:
    """Open coadds as a template.

    ``handles``: patches of coadds of one band; where they belong to several sky maps, those of the one that
    covers most of the detector count. ``grid``: the pixels of the science image.
    """
    skymaps: dict[str, dict[int, dict[int, OpenImage]]] = {}
    opened: list[OpenImage] = []
    try:
        for handle in handles:
            image = open_image(handle)
            opened.append(image)
            of_skymap = skymaps.setdefault(str(handle.dataId["skymap"]), {})
            of_skymap.setdefault(int(handle.dataId["tract"]), {})[int(handle.dataId["patch"])] = image
        chosen = _best(skymaps, grid)
    except BaseException:
        for image in opened:
            image.close()
        raise
    for skymap, tracts in skymaps.items():
        if skymap != chosen:
            for patches in tracts.values():
                for image in patches.values():
                    image.close()
    first = handles[0]
    return WarpedTemplate(
        grid,
        [
            Tract(f"tract {tract}", {str(patch): image for patch, image in patches.items()})
            for tract, patches in skymaps[chosen].items()
        ],
        f"{first.ref.datasetType.name} of {chosen}, band {first.dataId['band']}",
    )


def _best(skymaps: dict[str, dict[int, dict[int, OpenImage]]], grid: Grid) -> str:
    """Return the sky map whose patches cover most of an image."""
    names = sorted(skymaps)
    if len(names) == 1:
        return names[0]
    box = grid.box
    x, y = np.meshgrid(
        np.linspace(box.x_start, box.x_stop - 1, 16), np.linspace(box.y_start, box.y_stop - 1, 16)
    )
    ra, dec = grid.sky_map.pixel_to_sky(x.ravel(), y.ravel())
    covered = dict.fromkeys(names, 0)
    for name in names:
        inside = np.zeros(ra.shape, dtype=bool)
        for patches in skymaps[name].values():
            images = list(patches.values())
            u, v = images[0].sky_map.sky_to_pixel(ra, dec)
            for image in images:
                there = image.box
                inside |= (
                    (u >= there.x_start) & (u < there.x_stop) & (v >= there.y_start) & (v < there.y_stop)
                )
        covered[name] = int(inside.sum())
    return max(names, key=lambda name: covered[name])
