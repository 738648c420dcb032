"""The mask planes that pictures are to show, against those that images have."""

__all__ = ("check_planes",)

from collections.abc import Collection, Iterable, Iterator

from ..domain import CutoutsError, SourceBatch
from ..images import StampError
from ._stamp_sources import StampSource


def check_planes(
    batches: Iterable[SourceBatch], planes: Collection[str], stamps: StampSource
) -> Iterator[SourceBatch]:
    """Let sources pass, once an image has all the mask planes.

    ``planes``: mask planes to show, by afw's names. Raises `CutoutsError` when the first images that can be
    read have no such planes: pictures without them would look as if nothing were masked.
    """
    known = not planes
    for batch in batches:
        if not known and (found := _planes(batch, stamps)) is not None:
            if missing := sorted(set(planes) - found):
                has = ", ".join(sorted(found)) or "none"
                raise CutoutsError(
                    f"The images of {batch.data_id} have no mask plane {', '.join(missing)}, which "
                    f"maskPlanes asks for; they have {has}.",
                    choices=("maskPlanes",),
                )
            known = True
        yield batch


def _planes(batch: SourceBatch, stamps: StampSource) -> set[str] | None:
    """Return the mask planes of the images of a batch; `None` if they cannot be read."""
    if batch.data_id is None:
        return None
    (cut,) = stamps.read(SourceBatch(batch.data_id, batch.rows.slice(0, 1)))
    if isinstance(cut, StampError):
        return None
    return {name for triplet in cut for stamp in triplet.stamps if stamp for name in stamp.mask_planes}
