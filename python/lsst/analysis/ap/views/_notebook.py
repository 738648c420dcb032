"""What the task shows in a notebook."""

__all__ = ("NotebookViews",)

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..domain import CutoutsError, Triplet
from ..render import Renderer, draw_figure
from ..runs._pictures import PictureMaker
from ..runs._result import RunResult
from ..sources import REQUIRED_COLUMNS, rows_of
from ._object_views import ObjectViews
from ._show import PictureGrid, RememberedRows, make_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NotebookViews(ObjectViews):
    """The methods of the task that show pictures rather than write them."""

    @functools.cached_property
    def _rows(self) -> RememberedRows:
        return RememberedRows()

    def gallery(self, result: "RunResult | str | Path", *, height: str = "760px") -> Any:
        """Show the pictures of a directory in a notebook, to browse and to label.

        Parameters
        ----------
        result : `lsst.pipe.base.Struct`, `str` or `pathlib.Path`
            What `run` returned, or a directory that it filled; with up to some thousand pictures.
        height : `str`, optional
            Height of what is shown, as CSS has it.

        Returns
        -------
        widget : `anywidget.AnyWidget`
            It displays itself. Its property ``labels`` is a
            `pandas.DataFrame` of the labels that were given so far.

        Raises
        ------
        CutoutsError
            Raised when there are no pictures, or too many, or no anywidget.
        """
        from ..gallery import gallery_widget, read_items
        from ..output import holds_pictures

        if isinstance(result, RunResult):
            folder = Path(result.manifest).parent  # a folder of the directory, for rubin.citsci
            result = folder if holds_pictures(folder) else folder.parent
        return gallery_widget(read_items(result), height=height)

    def render(self, source: Any, images: Mapping[str, Any] | None = None) -> bytes:
        """Return the picture of one source, the same bytes as `run` writes.

        Parameters
        ----------
        source : `Mapping`, `pandas.Series`, `astropy.table.Row` or table
            One DiaSource; a table of one row.
        images : `Mapping` [`str`, image], optional
            The ``template``, ``science`` and ``difference`` image, as `lsst.afw.image.Exposure` or as an
            image of `lsst.images`; read from the butler when not given.

        Returns
        -------
        png : `bytes`
            A PNG file.

        Raises
        ------
        CutoutsError
            Raised when there is no picture, with the reason that ``failed`` of `run` would give.
        """
        triplets, row = self._cut(source, images)
        return Renderer(self.config.makeStyle(triplets)).render(triplets, row)

    def figure(self, source: Any, images: Mapping[str, Any] | None = None) -> "Figure":
        """Return the picture of one source as a matplotlib figure.

        Parameters
        ----------
        source : `Mapping`, `pandas.Series`, `astropy.table.Row` or table
            One DiaSource; a table of one row.
        images : `Mapping` [`str`, image], optional
            As for `render`.

        Returns
        -------
        figure : `matplotlib.figure.Figure`
            The picture, to be changed or saved at will.

        Raises
        ------
        CutoutsError
            Raised when there is no picture.
        """
        triplets, row = self._cut(source, images)
        return draw_figure(self.config.makeStyle(triplets), triplets, row)

    def show(
        self,
        sources: Any,
        images: Mapping[str, Any] | None = None,
        *,
        catalog: Any = None,
        limit: int = 50,
        sort_by: str | None = None,
    ) -> None:
        """Display the pictures of one or many sources in a notebook.

        Parameters
        ----------
        sources : table, row, sequence of rows, `int` or sequence of `int`
            The sources: a table, one or several of its rows in any form in
            which it gives them, or diaSourceIds.
        images : `Mapping` [`str`, image], optional
            As for `render`.
        catalog : catalogue, table, `str` or `pathlib.Path`, optional
            Where diaSourceIds are looked up: a table, an SQLite file of an APDB, a ``postgresql://`` URL, a
            configuration of dax_apdb, or a file of sources.
        limit : `int`, optional
            How many to show at most.
        sort_by : `str`, optional
            Column by which they are ordered; ``"-snr"`` begins with the
            greatest. In the given order when not given.

        Raises
        ------
        CutoutsError
            Raised when one source alone has no picture, when there is no
            such source, or no IPython to show it.
        """
        try:
            from IPython.display import Image, display
        except ImportError as error:
            raise CutoutsError(
                "show() needs IPython, which a notebook has. Elsewhere write the bytes of render() to a file."
            ) from error
        grid = self.grid(sources, images, catalog=catalog, limit=limit, sort_by=sort_by)
        if len(grid) > 1:
            display(grid)  # type: ignore[no-untyped-call]
            return
        if not grid:
            raise CutoutsError("There is no DiaSource to show: the table is empty.")
        (picture,) = grid.outcomes
        if isinstance(picture, str):
            raise CutoutsError(f"DiaSource {grid.rows[0].get('diaSourceId')}: {picture}")
        display(Image(picture, format="png"))  # type: ignore[no-untyped-call]

    def grid(
        self,
        sources: Any,
        images: Mapping[str, Any] | None = None,
        *,
        catalog: Any = None,
        limit: int = 50,
        sort_by: str | None = None,
    ) -> PictureGrid:
        """Return what `show` displays of many sources.

        Parameters
        ----------
        sources, images, catalog, limit, sort_by
            See `show`.

        Returns
        -------
        grid : `~lsst.analysis.ap.views.PictureGrid`
            The pictures, which a notebook displays.

        Raises
        ------
        CutoutsError
            Raised when there is no such source, or no picture can be made at all.
        """
        repository = self.repository
        maker = PictureMaker(repository.stamps_of(images), self.config.makeStyle())
        required = REQUIRED_COLUMNS if images is None else ("ra", "dec")
        table, batches = self._rows.batches(repository, sources, catalog, required)
        return make_grid(maker, batches, table, limit=limit, sort_by=sort_by)

    def _cut(
        self, source: Any, images: Mapping[str, Any] | None
    ) -> tuple[tuple[Triplet, ...], dict[str, Any]]:
        """Return the stamps and the row of one source."""
        repository = self.repository
        table = rows_of(source)
        if len(table) != 1:
            raise CutoutsError(f"One DiaSource is wanted, and here are {len(table)}: show() takes many.")
        (batch,) = repository.batches(table, REQUIRED_COLUMNS if images is None else ("ra", "dec"))
        (result,) = repository.stamps_of(images).read(batch)
        if isinstance(result, CutoutsError):
            raise result
        return result, batch.rows.to_pylist()[0]
