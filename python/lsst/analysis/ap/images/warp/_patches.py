"""The patches of a tract, merged where stamps need them."""

__all__ = ("CoaddImage", "TractCutouts", "common_planes", "cut_tract")

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...domain import Box
from .._cut import OpenImage
from ._lanczos import Mosaic


class CoaddImage(OpenImage, Protocol):
    """An image with a variance for each pixel."""

    def read_variance(self, boxes: Sequence[Box]) -> list[NDArray[Any]] | None:
        """Return the variances of boxes that lie on the image.

        Parameters
        ----------
        boxes : sequence of `Box`
            PARENT pixels.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`] or `None`
            One for each box, (rows, columns); `None` where the image has no
            variances.
        """
        ...


@dataclass(frozen=True)
class TractCutouts:
    """What the patches of a tract have in some boxes."""

    mosaic: Mosaic
    """The pixels of all boxes."""

    starts: NDArray[np.intp]
    """First pixel of each box in the mosaic."""

    used: list[list[int]]
    """For each box the patches that have any pixel with data in it."""


def common_planes(patches: Sequence[CoaddImage]) -> dict[str, int]:
    """Return bit numbers for the mask planes of all patches.

    Parameters
    ----------
    patches : `~collections.abc.Sequence` [`CoaddImage`]
        The patches, each of which may number its planes in its own way.

    Returns
    -------
    planes : `dict` [`str`, `int`]
        Those of the first patch, then what the others have more, as far as
        there are bits. NO_DATA is always there.
    """
    planes: dict[str, int] = {}
    found = [patch.mask_planes for patch in patches if patch.has_mask]
    for name, bit in [item for more in found for item in more.items()] + [("NO_DATA", 0)]:
        if name not in planes:
            free = [bit, *range(32)]
            places = [place for place in free if place not in planes.values()]
            if places:
                planes[name] = places[0]
    return planes


def cut_tract(patches: Sequence[CoaddImage], boxes: Sequence[Box], planes: Mapping[str, int]) -> TractCutouts:
    """Cut boxes out of a tract.

    Parameters
    ----------
    patches : `~collections.abc.Sequence` [`CoaddImage`]
        Images on one grid of pixels. Each is read in one call.
    boxes : `~collections.abc.Sequence` [`Box`]
        What to read, PARENT pixels; they may reach beyond the patches.
    planes : `~collections.abc.Mapping` [`str`, `int`]
        Bit numbers for the mask planes, as `common_planes` has them.

    Returns
    -------
    cutouts : `TractCutouts`
        The mean of the patches, weighted by 1/sqrt(variance), over pixels that
        are finite with a positive variance and not masked as NO_DATA; the
        variance is the mean with the same weights and the mask all bits of the
        pixels that count (``GetTemplateTask._merge`` of ip_diffim).
    """
    sizes = [box.width * box.height for box in boxes]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    total = sum(sizes)
    weights, values, variances = np.zeros((3, total), dtype=np.float32)
    bits = np.zeros(total, dtype=np.uint32)
    used: list[list[int]] = [[] for _ in boxes]
    for number, patch in enumerate(patches):
        parts_of = [box.intersection(patch.box) for box in boxes]
        touched = [(i, part) for i, part in enumerate(parts_of) if part is not None]
        if not touched:
            continue
        parts = [part for _, part in touched]
        images = patch.read(parts)
        masks = patch.read_mask(parts) if patch.has_mask else None
        variance_arrays = patch.read_variance(parts)
        for k, (i, part) in enumerate(touched):
            here = slice(starts[i], starts[i] + sizes[i])
            place = part.slices_within(boxes[i])
            shape = boxes[i].shape
            image = np.asarray(images[k], dtype=np.float32)
            variance = np.ones_like(image) if variance_arrays is None else variance_arrays[k]
            mask = None if masks is None else _renumber(masks[k], patch.mask_planes, planes)
            good = np.isfinite(image) & np.isfinite(variance) & (variance > 0)
            if mask is not None:
                good &= mask & (1 << planes["NO_DATA"]) == 0
            if not good.any():
                continue
            used[i].append(number)
            weight = np.zeros_like(image)
            weight[good] = variance[good] ** -0.5
            weights[here].reshape(shape)[place] += weight
            values[here].reshape(shape)[place] += np.where(good, image, 0) * weight
            variances[here].reshape(shape)[place] += np.where(good, variance, 0) * weight
            if mask is not None:
                bits[here].reshape(shape)[place] |= np.where(good, mask, np.uint32(0))
    valid = weights > 0
    np.divide(values, weights, out=values, where=valid)
    np.divide(variances, weights, out=variances, where=valid)
    return TractCutouts(Mosaic(values, variances, valid, bits), starts, used)


def _renumber(mask: NDArray[Any], old: Mapping[str, int], new: Mapping[str, int]) -> NDArray[np.uint32]:
    """Move the bits of a mask to where the planes have them."""
    bits = mask.astype(np.uint32)
    if all(new.get(name) == bit for name, bit in old.items()):
        return bits
    moved = np.zeros_like(bits)
    for name, bit in old.items():
        if name in new:
            moved |= (bits >> np.uint32(bit) & np.uint32(1)) << np.uint32(new[name])
    return moved
