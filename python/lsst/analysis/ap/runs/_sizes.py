"""How large the stamps of a source are."""

__all__ = ("FootprintSizes", "Sizes")

from dataclasses import dataclass

from ..domain import CutoutsError, SourceBatch
from ..images import FootprintReader, StampError


@dataclass(frozen=True)
class FootprintSizes:
    """One stamp a source, as large as its footprint."""

    reader: FootprintReader | None
    """Where footprints come from; `None` where the repository has none, and
    the catalogue's ``bboxSize`` serves."""
    least: int
    """Least side of a stamp in pixels."""
    also: tuple[int, ...] = ()
    """Further stamps that each source is to have."""

    def of(self, batch: SourceBatch) -> list[tuple[int, ...] | StampError]:
        """Return the size of each source's stamp.

        Returns: the larger side of the footprint's box and the further ones, or why there are none. Raises
        `CutoutsError` when neither the repository nor the catalogue knows the footprints.
        """
        sides: list[int | StampError]
        if self.reader is not None and batch.data_id is not None:
            ids = batch.rows.column("diaSourceId").to_pylist()
            boxes = self.reader.read(batch.data_id, ids)
            sides = [box if isinstance(box, StampError) else max(box.shape) for box in boxes]
        elif "bboxSize" in batch.rows.column_names:
            unknown = StampError("its bboxSize is null: turn useFootprint off for it")
            column = batch.rows.column("bboxSize").to_pylist()
            sides = [unknown if side is None else int(side) for side in column]
        else:
            raise CutoutsError(
                "useFootprint finds no footprints: the repository has no catalogue of them (*_diaSrc, "
                "dia_source_unstandardized), and the sources have no column bboxSize. Turn it off, or give "
                "either."
            )
        return [
            side if isinstance(side, StampError) else (max(self.least, side), *self.also) for side in sides
        ]


type Sizes = tuple[int, ...] | FootprintSizes
"""Sides of the stamps in pixels: the same for all sources, or each source its own."""
