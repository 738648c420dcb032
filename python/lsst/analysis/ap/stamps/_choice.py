"""What stamps are wanted, and how they are to be left."""

__all__ = ("FORMATS", "MEAS_TRANSINET", "PLANES", "SPLITS", "StampChoice", "parse_order")

import math
from dataclasses import dataclass
from typing import Final

from ..domain import PANELS, CutoutsError

FORMATS: Final = {
    "npy": "stamps.npy, of shape (sources, 3, N, N), and stamps_catalogue.parquet.",
    "zarr": "stamps.zarr, a group of arrays (needs the package zarr).",
    "parquet": "stamps.parquet, a row with a tensor for each source.",
    "webdataset": "stamps-train-00000.tar and so on, a .npy and a .json for each source.",
}
"""Names of the formats, and what they leave."""

SPLITS: Final = ("train", "validation", "test")
"""The parts of a training set."""

PLANES: Final = ("mask", "variance", "psf")
"""What can be had beside the pixels of an image."""

MEAS_TRANSINET: Final = "meas_transiNet"
"""Name of the order of that classifier's input."""

_MEAS_TRANSINET_ORDER: Final = ("difference", "science", "template")


@dataclass(frozen=True)
class StampChoice:
    """What stamps are wanted, and how they are to be left."""

    format: str
    """One of `FORMATS`."""
    sizes: tuple[int, ...]
    """Sides of the stamps in pixels."""
    order: tuple[str, ...] = PANELS
    """The three images in the order of the arrays."""
    fill: float = math.nan
    """Value of pixels without data."""
    planes: tuple[str, ...] = ()
    """Those of `PLANES` that are wanted too."""
    unit: str | None = None
    """Unit that stamps must have; `None` for any one."""
    shares: tuple[float, ...] = (0.8, 0.1, 0.1)
    """How much of the objects goes to each of `SPLITS`; empty for no column ``split``."""
    seed: int = 0
    """Which of the possible divisions."""
    labels: str | None = None
    """File of a table with a column ``diaSourceId`` and what is known of those sources."""
    shard: int | None = None
    """How many sources a file has at most; `None` for one file of all."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(dict.fromkeys(self.sizes)))


def parse_order(text: str) -> tuple[tuple[str, ...], float]:
    """Return what the name of an order means.

    ``text``: ``"meas_transiNet"``, or the names of the three images with commas between them. Returns
    ``order``: the three images in their order; ``fill``: what pixels without data are in it, unless something
    else is wanted. Raises `CutoutsError` when it is neither.
    """
    if text == MEAS_TRANSINET:
        return _MEAS_TRANSINET_ORDER, 0.0
    order = tuple(name.strip() for name in text.split(","))
    if sorted(order) != sorted(PANELS):
        raise CutoutsError(
            f"stampsOrder is {text!r}: name {', '.join(PANELS)} in the order that you want, or "
            f"{MEAS_TRANSINET}."
        )
    return order, math.nan
