"""From positions on the sky to stamps of one image."""

__all__ = ("OpenImage", "cut_stamps")

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..domain import Box, Stamp
from ._errors import StampError
from .wcs._sky_map import SkyMap


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
    def mask_planes(self) -> Mapping[str, int]:
        """Bit number of each mask plane, by afw's name."""
        ...

    def read(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        """Return the pixels of boxes that lie on the image.

        Parameters
        ----------
        boxes : sequence of `Box`
            PARENT pixels.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`]
            One for each box, (rows, columns).
        """
        ...

    def read_mask(self, boxes: Sequence[Box]) -> list[NDArray[Any]]:
        """Return the mask bits of boxes that lie on the image.

        Parameters
        ----------
        boxes : sequence of `Box`
            PARENT pixels.

        Returns
        -------
        arrays : `list` [`numpy.ndarray`]
            One for each box, (rows, columns).
        """
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
    with_mask: bool = False,
) -> list[tuple[Stamp, ...] | StampError]:
    """Return the stamps of one image around some positions.

    Parameters
    ----------
    image : `OpenImage`
        The image; its pixels are read in one call.
    role : `str`
        What the image is, for messages.
    x, y : `numpy.ndarray`
        PARENT pixels, shape (N,).
    sizes : `numpy.ndarray`
        Sides of the stamps in pixels, shape (N, sizes).
    with_mask : `bool`, optional
        Whether to read the mask too.

    Returns
    -------
    stamps : `list` [`tuple` [`Stamp`, ...] or `StampError`]
        For each position a stamp per size, or why there are none.
    """
    results: list[tuple[Stamp, ...] | StampError] = []
    boxes: list[list[Box]] = []
    for xi, yi, sides in zip(x.tolist(), y.tolist(), sizes.tolist(), strict=True):
        if not (np.isfinite(xi) and np.isfinite(yi)):
            boxes.append([])
            continue
        wanted = [Box.from_center(xi, yi, size) for size in sides]
        boxes.append(wanted if all(image.box.intersection(box) is not None for box in wanted) else [])

    parts = [[_require(image.box.intersection(box)) for box in wanted] for wanted in boxes]
    flat = [part for row in parts for part in row]
    arrays = iter(image.read(flat))
    masks = iter(image.read_mask(flat)) if with_mask else None
    planes = image.mask_planes if with_mask else {}
    for xi, yi, wanted, inside in zip(x.tolist(), y.tolist(), boxes, parts, strict=True):
        if not wanted:
            results.append(_off_image(image, role, xi, yi))
            continue
        results.append(
            tuple(
                Stamp(
                    array=_pad(next(arrays), part, box, np.nan, np.float32),
                    box=box,
                    mask=None if masks is None else _pad(next(masks), part, box, _no_data(planes), np.uint32),
                    mask_planes=planes,
                )
                for box, part in zip(wanted, inside, strict=True)
            )
        )
    return results


def _require(box: Box | None) -> Box:
    assert box is not None, "boxes off the image were sorted out before"
    return box


def _pad(array: NDArray[Any], part: Box, box: Box, fill: float, dtype: type[Any]) -> NDArray[Any]:
    if part == box:
        return np.ascontiguousarray(array, dtype=dtype)
    padded = np.full(box.shape, fill, dtype=dtype)
    padded[part.slices_within(box)] = array
    return padded


def _no_data(planes: Mapping[str, int]) -> int:
    return 1 << planes["NO_DATA"] if "NO_DATA" in planes else 0


def _off_image(image: OpenImage, role: str, x: float, y: float) -> StampError:
    box = image.box
    where = "a place its WCS cannot reach"
    if np.isfinite(x) and np.isfinite(y):
        where = f"x = {x:.1f}, y = {y:.1f}"
    return StampError(
        f"stamp is wholly off the {role} image: the source is at {where}, the image "
        f"covers x {box.x_start}:{box.x_stop}, y {box.y_start}:{box.y_stop} ({image.name})"
    )
