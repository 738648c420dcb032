"""Lists of the pictures in the forms that Zooniverse's readers accept."""

__all__ = ("CITSCI_FILES", "KEY_COLUMN", "MANIFEST_STYLES", "ManifestForm", "picture_key")

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import batched, groupby
from posixpath import basename
from typing import Final

from ..domain import PANELS
from ._columns import manifest_name
from ._csv import write_csv
from ._directory import OutputDirectory
from ._outcomes import Picture
from ._paths import COMPOSITE, panel_path
from ._urls import hosted_url

MANIFEST_STYLES: Final = {
    "panoptes": "For 'panoptes subject-set upload-subjects' and the web lab: local files, or URLs if urlRoot "
    "is set.",
    "hosted": "Pictures hosted under urlRoot, for Zooniverse's import on the server.",
    "citsci": "A directory for rubin.citsci on the Rubin Science Platform; one manifest a directory.",
}
"""Which reader a manifest is for; none accepts another's."""

CITSCI_FILES: Final = 10_000
"""How many files of a directory rubin.citsci takes at most, the manifest among them."""

KEY_COLUMN: Final = "#key"
"""Column of what stands for the identifier where that is not to be known."""

_IDENTIFIER: Final = "diaSourceId"
_OBJECT: Final = "diaObjectId"
_METADATA: Final = "metadata:"
_PANEL_ENDS: Final = tuple(f"_{panel}" for panel in PANELS)


def picture_key(path: str) -> str:
    """Return what a picture is called: an identifier or a key.

    Returns: its name without folder, panel and suffix.
    """
    name = basename(path).removesuffix(".png")
    return next((name.removesuffix(end) for end in _PANEL_ENDS if name.endswith(end)), name)


@dataclass(frozen=True, slots=True)
class ManifestForm:
    """What a manifest looks like."""

    style: str
    """One of `MANIFEST_STYLES`."""
    columns: tuple[str, ...]
    """Metadata columns in order, with Zooniverse's prefixes."""
    url_root: str | None = None
    """Where the pictures are hosted, encoded; `None` for local files."""
    rows: int | None = None
    """How many rows a file has at most; `None` for one file of all."""
    frames: tuple[str, ...] = (COMPOSITE,)
    """Which pictures a subject consists of: panels, or the whole; none where
    a run left stamps alone, and the manifest only lists the sources."""
    anonymous: bool = False
    """Whether pictures are known by keys, not by identifiers."""

    @property
    def needed(self) -> list[str]:
        """Catalogue columns that it shows."""
        objects = (_OBJECT,) if self._names_objects else ()
        return [*map(manifest_name, self.columns), *objects]

    @property
    def _names_objects(self) -> bool:
        """Whether there is the plain column that rubin.citsci puts into a table of its own."""
        return self.style == "citsci" and not self.anonymous

    def write(
        self, directory: OutputDirectory, pictures: Iterable[Picture], announce: Callable[[str], None]
    ) -> list[str]:
        """Write the manifest of a directory.

        ``directory``: where the files go: ``manifest.csv``, or ``manifest-001.csv`` and so on when `rows` is
        given; for ``citsci``, in each folder that has pictures. ``pictures``: one row each, in this order;
        for ``citsci`` the pictures of a folder must follow each other. ``announce``: is told the path of each
        file before it is written. Returns: the files written, relative to the directory.
        """
        names = {column: manifest_name(column) for column in self.columns}
        written: list[str] = []
        for folder, members in groupby(pictures, key=lambda picture: self._folder(picture.path)):
            rows = (self._row(picture, folder, names) for picture in members)
            parts: Iterable[Iterable[list[str]]] = [rows] if self.rows is None else batched(rows, self.rows)
            for number, part in enumerate(parts, start=1):
                written.append(f"{folder}{self.file_name(number)}")
                announce(written[-1])
                write_csv(directory, written[-1], self._header(), part)
        if not written:
            written = ["manifest.csv"]
            announce(written[0])
            write_csv(directory, written[0], self._header(), ())
        return written

    def _folder(self, path: str) -> str:
        """Return the folder whose manifest lists a picture, with its slash."""
        folder, slash, _ = path.rpartition("/")
        return folder + slash if self.style == "citsci" else ""

    def file_name(self, number: int) -> str:
        """Return the name of a file of the manifest in its folder.

        ``number``: which one, from 1.
        """
        return "manifest.csv" if self.rows is None else f"manifest-{number:03d}.csv"

    def _header(self) -> list[str]:
        identity = KEY_COLUMN if self.anonymous else _IDENTIFIER
        if self.style == "hosted":
            locations = (f"location:{number}" for number, _ in enumerate(self.frames, start=1))
            return ["external_id", *locations, *_imported((identity, *self.columns))]
        if self.style == "citsci":
            # What comes of it is imported, and that drops all columns but metadata.
            identity = KEY_COLUMN if self.anonymous else f"#{_IDENTIFIER}"
            objects = (_OBJECT,) if self._names_objects else ()
            return [*self._files("filename"), *objects, *_imported((identity, *self.columns))]
        return [*self._files("#url" if self.url_root else "filename"), identity, *self.columns]

    def _files(self, name: str) -> list[str]:
        """Return the columns that name files."""
        return [name if number == 1 else f"{name}_{number}" for number, _ in enumerate(self.frames, start=1)]

    def _row(self, picture: Picture, folder: str, names: Mapping[str, str]) -> list[str]:
        identifier = picture_key(picture.path) if self.anonymous else str(picture.diaSourceId)
        # panoptes takes an empty cell of the first row for the name of a file,
        # the directory itself, and gives up.
        missing = "null" if self.style == "panoptes" else ""
        known = picture.metadata
        # A marked name of the catalogue itself comes first.
        cells = [known.get(column) or known.get(name) or missing for column, name in names.items()]
        path = picture.path.removeprefix(folder)
        places = [path if frame == COMPOSITE else panel_path(path, frame) for frame in self.frames]
        if self.url_root:
            places = [hosted_url(self.url_root, place) for place in places]
        if self.style == "hosted":
            return [identifier, *places, identifier, *cells]
        objects = [picture.metadata.get(_OBJECT, missing)] if self._names_objects else []
        return [*places, *objects, identifier, *cells]


def _imported(columns: Iterable[str]) -> list[str]:
    """Return the names that the server's import wants of metadata."""
    return [_METADATA + column for column in columns]
