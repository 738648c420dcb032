"""What a notebook shows of more than one image: two runs of a pipeline, an object through time."""

__all__ = ("ObjectViews",)

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..domain import CutoutsError
from ..runs._repository import Repository
from ..runs.config import RepositoryConfig
from ..sources import Selection, circle, forced_sources, open_sources, rows_of
from ._compare import compare_triplets
from ._history import History, make_history
from ._show import PictureGrid

if TYPE_CHECKING:
    from lsst.daf.butler import Butler


class ObjectViews:
    """The methods of the task that show a source in several images."""

    config: RepositoryConfig

    @property
    def repository(self) -> Repository:
        """What the configuration makes of the repository."""
        raise NotImplementedError

    def compare(
        self,
        sources: Any,
        before: "str | Sequence[str] | Butler",
        after: "str | Sequence[str] | Butler",
        *,
        catalog: Any = None,
        limit: int = 50,
    ) -> PictureGrid:
        """Return the pictures of sources in two runs of a pipeline, for a notebook to display.

        ``sources``: the sources, of either run's catalogue or of both: stamps are cut at their places on the
        sky. ``before``, ``after``: collections of the task's repository, or other repositories. ``catalog``:
        where diaSourceIds are looked up, as for `show`. ``limit``: how many to show at most. Returns: for
        each source its panels in both runs between the limits of the first, and what is left when the first
        is subtracted; flux and noise compared in words are in the column ``comparison``. Raises
        `CutoutsError` when a run lacks images, or there is no such source.
        """
        table = rows_of(sources, catalog).slice(0, limit)
        runs = [Repository(self.config, self._butler_of(run)) for run in (before, after)]
        rows: list[Mapping[str, Any]] = []
        outcomes: list[bytes | str] = []
        style = self.config.makeStyle()
        for batch in runs[0].batches(table):
            pairs = zip(*(run.stamps.read(batch) for run in runs), strict=True)
            for row, (first, second) in zip(batch.rows.to_pylist(), pairs, strict=True):
                if isinstance(first, CutoutsError) or isinstance(second, CutoutsError):
                    which, reason = (
                        ("before", first) if isinstance(first, CutoutsError) else ("after", second)
                    )
                    outcomes.append(f"{which}: {reason}")
                    rows.append(row)
                    continue
                found = compare_triplets(style, first[0], second[0], str(row["diaSourceId"]))
                outcomes.append(found.picture)
                numbers = {"flux_ratio": found.flux_ratio, "noise_ratio": found.noise_ratio}
                rows.append({**row, **numbers, "comparison": found.words})
        return PictureGrid(rows, outcomes)

    def history(
        self,
        diaObjectId: int | None = None,
        *,
        catalog: Any,
        ssObjectId: int | None = None,
        position: tuple[float, float] | None = None,
        radius: float = 1.0,
        forced: Any = None,
        limit: int = 12,
        triplets: bool = False,
    ) -> History:
        """Return the history of an object: its light curve above its stamps.

        ``diaObjectId``: the object; give this, ``ssObjectId`` or ``position``. ``catalog``: DiaSources, as
        for `show`. ``ssObjectId``: an object of the solar system. ``position``: right ascension and
        declination in degrees. ``radius``: how far from ``position`` sources may be, arcseconds. ``forced``:
        forced photometry; that of the APDB when ``catalog`` is one. ``limit``: how many epochs to show at
        most; 0 is for the light curve of ``to_json`` alone. ``triplets``: whether to show template and
        science too. Raises `CutoutsError` when there is no such object, or none of its epochs has stamps.
        """
        apdb = open_sources(catalog)
        if (diaObjectId, ssObjectId, position).count(None) != 2:
            raise CutoutsError("Give one of diaObjectId, ssObjectId and position.")
        if diaObjectId is not None:
            diaObjectId = int(diaObjectId)  # databases do not know NumPy's numbers
            selection, name = Selection(object_ids=(diaObjectId,)), f"diaObject {diaObjectId}"
        elif ssObjectId is not None:
            selection, name = Selection(where=f"ssObjectId == {ssObjectId}"), f"ssObject {ssObjectId}"
        else:
            assert position is not None
            selection = Selection(regions=(circle(*position, radius / 3600),))
            name = f"{position[0]:.5f} {position[1]:+.5f}"
        if not (tables := list(apdb.read(selection))):
            raise CutoutsError(f"The catalogue has no DiaSource of {name}.")
        detections = pa.concat_tables(tables, promote_options="permissive")
        no_forced = pa.table({"visit": pa.nulls(0)})
        photometry = no_forced
        if diaObjectId is not None and (forced is not None or hasattr(apdb, "forced")):
            photometry = forced_sources(apdb if forced is None else forced, diaObjectId)
        return make_history(
            self.repository,
            detections,
            photometry,
            position=position,
            moves=ssObjectId is not None,
            limit=limit,
            panels=(0, 1, 2) if triplets else (2,),
            name=name,
        )

    def _butler_of(self, run: "str | Sequence[str] | Butler") -> "Butler":
        from lsst.daf.butler import Butler

        if isinstance(run, Butler):
            return run
        if (butler := self.repository.butler) is None:
            raise CutoutsError("The task has no butler: give ZooniverseCutoutsTask(butler=...) one.")
        return butler.clone(collections=run)
