"""An object through time: its light curve above its stamps."""

__all__ = ("History", "make_history")

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from ..domain import CutoutsError, Triplet
from ..images import StampError, positions_of, unit_vectors
from ..render import (
    Epoch,
    Measurement,
    PictureStyle,
    encode_png,
    epoch_images,
    history_image,
    light_curve_series,
)
from ..runs._repository import Repository
from ..runs._stamp_sources import DetectorStamps
from ..sources import REQUIRED_COLUMNS

_log = logging.getLogger(__name__)

_KEPT = (
    *("diaSourceId", "visit", "detector", "band", "midpointMjdTai", "psfFlux", "psfFluxErr", "instrument"),
    *("ra", "dec"),
)


@dataclass(frozen=True)
class History:
    """The history of an object, which a notebook displays."""

    style: PictureStyle
    """What stamps look like."""
    epochs: Sequence[Epoch]
    """Those that have stamps, of as many as were to be shown."""
    measurements: Sequence[Measurement]
    """The points of the light curve."""
    total: int
    """How many epochs there are."""
    name: str
    """What the object is called."""
    panels: Sequence[int]
    """Numbers of the panels that are shown of each epoch."""
    failed: Sequence[str]
    """Why epochs that were to be shown are not."""

    @property
    def shown(self) -> int:
        """How many epochs have stamps in the picture."""
        return len(self.epochs)

    @cached_property
    def picture(self) -> bytes:
        """PNG: the light curve, and below it the stamps, if any, in the order of time."""
        image = history_image(
            self.style,
            self.epochs,
            self.measurements,
            total=self.total,
            name=self.name,
            panels=self.panels,
        )
        return encode_png(image)

    def frames(self) -> list[bytes]:
        """Return each epoch as a PNG of its own, of one size and between the same limits, by time."""
        return [encode_png(image) for image in epoch_images(self.style, self.epochs, self.panels)]

    def __repr__(self) -> str:
        return f"{self.shown} of {self.total} epochs, {len(self.measurements)} measurements"

    def _repr_png_(self) -> bytes:
        return self.picture

    def to_json(self) -> dict[str, Any]:
        """Return the light curve as Zooniverse's viewer for scatter plots reads it.

        Returns
        -------
        data : `dict` [`str`, `object`]
            A series for each band, and one for its forced photometry, with
            the time in days from the first measurement as ``x``, the flux in
            nJy as ``y`` and its error.
        """
        from lsst.utils.plotting import get_multiband_plot_colors

        first = min((m.mjd for m in self.measurements), default=0.0)
        colors = get_multiband_plot_colors()
        data = [
            {
                "seriesData": [{"x": m.mjd - first, "y": m.flux, "y_error": m.error} for m in points],
                "seriesOptions": {"label": label}
                | ({"color": colors[points[0].band]} if points[0].band in colors else {}),
            }
            for label, points in light_curve_series(self.measurements).items()
        ]
        options = {"xAxisLabel": f"days since MJD {first:.4f} (TAI)", "yAxisLabel": "difference flux (nJy)"}
        return {"data": data, "chartOptions": options}


def make_history(
    repository: Repository,
    detections: pa.Table,
    forced: pa.Table,
    *,
    position: tuple[float, float] | None,
    moves: bool = False,
    limit: int,
    panels: Sequence[int],
    name: str,
) -> History:
    """Put the history of an object together.

    ``detections``: DiaSources of the object. ``forced``: its forced photometry; may be empty. ``position``:
    right ascension and declination of the stamps, degrees; the mean of the detections when `None`.
    ``moves``: whether each detection is at a place of its own instead. ``limit``: how many epochs to show at
    most, evenly through time; with 0 no image is read. ``panels``: which panels are shown of each epoch.
    Raises `CutoutsError` when there is no epoch, or none has stamps.
    """
    epochs = _epochs(detections, forced)
    if not epochs:
        raise CutoutsError(f"{name or 'The object'} has no epoch in the catalogue.")
    place = None if moves else position or _mean_position(detections)
    places = np.unique(np.linspace(0, len(epochs) - 1, min(limit, len(epochs))).round().astype(int))
    chosen = [epochs[place] for place in places.tolist()]
    cut = _cut(repository, chosen, place) if chosen else []
    shown = [
        Epoch(row["midpointMjdTai"], row["band"] or "", triplet, row["detected"])
        for row, triplet in zip(chosen, cut, strict=True)
        if isinstance(triplet, Triplet)
    ]
    failed = [str(triplet) for triplet in cut if not isinstance(triplet, Triplet)]
    if failed and not shown:
        raise CutoutsError(f"No epoch of {name or 'the object'} has stamps; the first: {failed[0]}")
    measurements = [*_measurements(detections, False), *_measurements(forced, True)]
    return History(
        repository.config.makeStyle(), shown, measurements, len(epochs), name, tuple(panels), failed
    )


def _epochs(detections: pa.Table, forced: pa.Table) -> list[dict[str, Any]]:
    """Return every visit and detector of the object by time, and whether it was detected there."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for table, detected in ((detections, True), (forced, False)):
        names = [name for name in _KEPT if name in table.column_names]
        for row in table.select(names).to_pylist():
            if row.get("visit") is None or row.get("detector") is None or row.get("midpointMjdTai") is None:
                continue
            found.setdefault((row["visit"], row["detector"]), {"band": None, **row, "detected": detected})
    return sorted(found.values(), key=lambda row: row["midpointMjdTai"])


def _mean_position(detections: pa.Table) -> tuple[float, float]:
    """Return the mean of positions on the sky, which may lie about ra = 0."""
    places = (detections.column(name).cast("float64").to_numpy() for name in ("ra", "dec"))
    ra, dec = positions_of(np.nanmean(unit_vectors(*places), axis=0))
    return float(ra), float(dec)


def _cut(
    repository: Repository, epochs: Sequence[dict[str, Any]], place: tuple[float, float] | None
) -> list[Triplet | StampError]:
    """Return the stamps of each epoch at one place, or at its own, or why there are none."""
    rows = [
        {
            "diaSourceId": row.get("diaSourceId") or number,  # forced photometry has none
            "visit": row["visit"],
            "detector": row["detector"],
            "instrument": row.get("instrument"),
            "ra": row["ra"] if place is None else place[0],
            "dec": row["dec"] if place is None else place[1],
        }
        for number, row in enumerate(epochs)
    ]
    table = pa.Table.from_pylist(rows)
    table = table.set_column(3, "instrument", table.column("instrument").cast(pa.string()))
    found: dict[tuple[int, int], Triplet | StampError] = {}
    stamps, batches = repository.remembered_stamps, list(repository.batches(table, REQUIRED_COLUMNS))
    if isinstance(stamps, DetectorStamps):
        try:
            stamps.reader.prefetch(batch.data_id for batch in batches if batch.data_id is not None)
        except Exception:  # one data ID that the butler does not know must not cost the others
            _log.debug("The images are looked for one by one.", exc_info=True)
    for batch in batches:
        keys = (batch.rows.column(name).to_pylist() for name in ("visit", "detector"))
        for *key, result in zip(*keys, stamps.read(batch), strict=True):
            found[tuple(key)] = result if isinstance(result, StampError) else result[0]
    return [found[row["visit"], row["detector"]] for row in epochs]


def _measurements(table: pa.Table, is_forced: bool) -> list[Measurement]:
    if not {"midpointMjdTai", "psfFlux", "psfFluxErr"} <= set(table.column_names):
        return []
    names = [name for name in _KEPT if name in table.column_names]
    return [
        Measurement(
            row["midpointMjdTai"], row.get("band") or "", row["psfFlux"], row["psfFluxErr"], is_forced
        )
        for row in table.select(names).to_pylist()
        if None not in (row["midpointMjdTai"], row["psfFlux"], row["psfFluxErr"])
    ]
