"""The patches of a tract, merged where stamps need them."""

__all__ = ("TractCutouts", "common_planes", "cut_tract")

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...domain import Box
from .._cut import OpenImage, around
from ._lanczos import Mosaic


@dataclass(frozen=True)
class TractCutouts:
    """What the patches of a tract have in some boxes."""

    mosaic: Mosaic
    """The pixels of all boxes."""
    starts: NDArray[np.intp]
    """First pixel of each box in the mosaic."""
    used: list[list[int]]
    """For each box the patches that have any pixel with data in it."""


def common_planes(patches: Sequence[OpenImage]) -> dict[str, int]:
    """Return bit numbers for the mask planes of all patches.

    ``patches``: the patches, each of which may number its planes in its own way. Returns: those of the first
    patch, then what the others have more, as far as there are bits. NO_DATA is always there.
    """
    planes: dict[str, int] = {}
    found = [patch.mask_planes for patch in patches]
    for name, bit in [item for more in found for item in more.items()] + [("NO_DATA", 0)]:
        if name not in planes:
            free = [bit, *range(32)]
            places = [place for place in free if place not in planes.values()]
            if places:
                planes[name] = places[0]
    return planes


def cut_tract(
    patches: Sequence[OpenImage],
    boxes: Sequence[Box],
    planes: Mapping[str, int],
    need_variance: Sequence[bool],
) -> TractCutouts:
    """Cut boxes out of a tract.

    ``patches``: images on one grid of pixels. Each is read in one call. ``boxes``: what to read, PARENT
    pixels; they may reach beyond the patches. ``planes``: bit numbers for the mask planes, as `common_planes`
    has them. ``need_variance``: which boxes need variances in any case; they cost as much as the pixels and
    are read of the others only where patches overlap. Returns: the mean of the patches, weighted by
    1/sqrt(variance), over pixels that are finite with a positive variance and not masked as NO_DATA; the
    variance is the mean with the same weights and the mask all bits of the pixels that count
    (``GetTemplateTask._merge`` of ip_diffim).
    """
    sizes = [box.width * box.height for box in boxes]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    total = sum(sizes)
    weights, values, variances = np.zeros((3, total), dtype=np.float32)
    bits = np.zeros(total, dtype=np.uint32)
    used: list[list[int]] = [[] for _ in boxes]
    shares = [[box.intersection(patch.box) for patch in patches] for box in boxes]
    for number, patch in enumerate(patches):
        parts = [share[number] for share in shares]
        weighted = [
            part if need else _shared_part(part, share)
            for part, share, need in zip(parts, shares, need_variance, strict=True)
        ]
        for i, part, pixels in _read_patch(patch, parts, weighted, planes):
            if not pixels.good.any():
                continue
            used[i].append(number)
            here, place = slice(starts[i], starts[i] + sizes[i]), part.slices_within(boxes[i])
            weight = np.zeros(part.shape, dtype=np.float32)
            weight[pixels.good] = pixels.variance[pixels.good] ** -0.5
            shape = boxes[i].shape
            weights[here].reshape(shape)[place] += weight
            values[here].reshape(shape)[place] += np.where(pixels.good, pixels.image, 0) * weight
            variances[here].reshape(shape)[place] += np.where(pixels.good, pixels.variance, 0) * weight
            bits[here].reshape(shape)[place] |= np.where(pixels.good, pixels.bits, np.uint32(0))
    valid = weights > 0
    np.divide(values, weights, out=values, where=valid)
    np.divide(variances, weights, out=variances, where=valid)
    return TractCutouts(Mosaic(values, variances, valid, bits), starts, used)


@dataclass(frozen=True)
class _Pixels:
    """What a patch has in a box."""

    image: NDArray[np.float32]
    variance: NDArray[np.float32]
    bits: NDArray[np.uint32]
    good: NDArray[np.bool_]


def _read_patch(
    patch: OpenImage,
    parts: Sequence[Box | None],
    weighted: Sequence[Box | None],
    planes: Mapping[str, int],
) -> Iterator[tuple[int, Box, _Pixels]]:
    """Yield the pixels of boxes on a patch, parts of them with their variances."""
    touched = [(i, part) for i, part in enumerate(parts) if part is not None]
    boxes = [part for _, part in touched]
    arrays = patch.read(boxes, ("image", "mask"))
    images, masks = arrays["image"], arrays.get("mask")
    wanted = [(i, part) for i, part in enumerate(weighted) if part is not None]
    variances: dict[int, NDArray[Any]] = {}
    if wanted:
        read = patch.read([part for _, part in wanted], ("variance",)).get("variance", ())
        variances = dict(zip((i for i, _ in wanted), read, strict=False))
    for k, (i, part) in enumerate(touched):
        image = np.asarray(images[k], dtype=np.float32)
        # Any number will do where there is nothing to compare.
        variance = np.ones_like(image)
        if i in variances and (inner := weighted[i]) is not None:
            variance[inner.slices_within(part)] = variances[i]
        bits = np.zeros(part.shape, dtype=np.uint32)
        if masks is not None:
            bits = _renumber(masks[k], patch.mask_planes, planes)
        good = np.isfinite(image) & np.isfinite(variance) & (variance > 0)
        good &= bits & (1 << planes["NO_DATA"]) == 0
        yield i, part, _Pixels(image, variance, bits, good)


def _shared_part(part: Box | None, share: Sequence[Box | None]) -> Box | None:
    """Return the smallest box around what a patch has in common with others."""
    common = [other.intersection(part) for other in share if other is not None and part is not None]
    boxes = [box for box in common if box is not None]
    if part is None or len(boxes) < 2:  # one of them is the patch's own
        return None
    own = boxes.index(part)
    return around(boxes[:own] + boxes[own + 1 :])


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
