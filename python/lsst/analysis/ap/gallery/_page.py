"""Write the page: what it is made of, and the data that it shows."""

__all__ = ("SCRIPTS", "STYLES", "page_file", "scope_of", "write_page")

import hashlib
import html
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pyarrow as pa

from ..domain import CutoutsError
from ..output import OutputDirectory, for_pandas
from ._data import LABELS, PageData, page_data
from ._encode import script_call
from ._items import Items

SCRIPTS: Final = (
    *("base.js", "columns.js", "data.js", "words.js", "parse.js", "condition.js", "filter.js", "order.js"),
    *("csv.js", "labels.js", "kappa.js", "settings.js", "state.js", "fragment.js", "scale.js"),
    *("picture.js", "limits.js", "lines.js", "grid.js", "histogram.js", "choices.js", "facets.js"),
    *("bar.js", "axis.js", "scatter.js", "bars.js", "plots.js", "large.js", "labelling.js", "dialogs.js"),
    *("keys.js", "app.js"),
)
"""The scripts of the page, in the order in which they need each other."""

STYLES: Final = ("theme.css", "layout.css", "facets.css", "pictures.css", "plots.css", "windows.css")
"""The style sheets of the page."""

_SCOPE: Final = "scope.txt"

_FILE_SIZE: Final = 4_000_000
"""Characters in a script of data, at which the next one begins."""


def page_file(name: str) -> str:
    """Return a file that the page is made of.

    ``name``: one of `SCRIPTS` or `STYLES`, ``start.js`` or ``index.html``.
    """
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def write_page(
    items: Items, out: str | Path, *, labels: Sequence[tuple[str, str]] = LABELS, copy: bool = False
) -> Path:
    """Write a page that shows items, and everything that it needs.

    ``out``: directory for the page; made when it does not exist. What an earlier page left there is replaced.
    ``labels``: the words of labels, each with its key, a letter or digit. ``copy``: whether to put the
    pictures beside the page; otherwise they stay where they are, and the page knows the way to them. Returns:
    the file to open in a browser. Raises `CutoutsError` when the directory holds something else, or cannot be
    written to, or the labels will not do.
    """
    root = Path(os.path.expanduser(out))
    if root.is_dir() and any(root.iterdir()) and not (root / "page" / "base.js").is_file():
        raise CutoutsError(f"{root} holds something else than a gallery: name a new directory for the page.")
    scope = _scope(root, items)
    places = _places(items, root, copy=copy)
    data = page_data(items, labels, scope, lambda path: quote(places[path]))
    directory = OutputDirectory(root)
    if copy:
        _copy(places, root)
    scripts = list(_in_files(_statements(data)))
    # Named by their content, so that a page never sees a half of the data of another.
    names = [f"data/{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.js" for text in scripts]
    for name in (*SCRIPTS, "start.js", *STYLES):
        directory.write(f"page/{name}", page_file(name).encode())
    for name, text in zip(names, scripts, strict=True):
        directory.write(name, text.encode("ascii"))
    _write_items(directory, items, places)
    directory.write(_SCOPE, scope.encode())
    directory.write("index.html", _index(items.title, names).encode())
    stale = (f"data/{path.name}" for path in (root / "data").glob("*.js"))
    directory.remove(name for name in stale if name not in names)
    return root / "index.html"


def _places(items: Items, root: Path, *, copy: bool) -> dict[Path, str]:
    """Return where each picture is, as seen from the page."""
    found: dict[Path, str] = {}
    ways: dict[str, str] = {}  # from the page to each folder
    for number, pictures in enumerate(items.pictures):
        for path in pictures.paths:
            if path is None or path in found:
                continue
            if copy:
                found[path] = f"pictures/{number}/{path.name}"
                continue
            folder, name = os.path.split(str(path))
            if folder not in ways:
                ways[folder] = Path(os.path.relpath(folder or ".", root)).as_posix()
            found[path] = f"{ways[folder]}/{name}"
    return found


def _copy(places: dict[Path, str], root: Path) -> None:
    for path, place in places.items():
        target = root / place
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            with suppress(OSError):  # on another disk
                os.link(path, target)
                continue
            shutil.copyfile(path, target)
        except OSError as error:
            raise CutoutsError(f"{path} cannot be copied to {target}: {error.strerror}.") from error


def _write_items(directory: OutputDirectory, items: Items, places: dict[Path, str]) -> None:
    """Write a table for other programs that show pictures."""
    import pyarrow.parquet as pq

    table = items.table
    for pictures, name in zip(reversed(items.pictures), ("path", "path_before"), strict=False):
        column = pa.array([None if path is None else places[path] for path in pictures.paths], pa.string())
        if name in table.column_names:
            table = table.drop_columns([name])
        table = table.add_column(0, name, column)
    with directory.open("items.parquet") as stream:
        pq.write_table(for_pandas(table), stream)


def _statements(data: PageData) -> Iterator[str]:
    """Yield the statements that bring the data, in the order in which they must come."""
    yield script_call("Gallery.begin", data.header)
    for place, column in enumerate(data.columns):
        # Base64 needs no second parsing, as other text does.
        texts = f", {script_call('', list(column.texts))[1:-3]}" if column.texts else ""
        yield f'Gallery.column({place}, "{column.values}", "{column.valid}"{texts});\n'
    for place, pictures in enumerate(data.pictures):
        yield script_call("Gallery.receivePictures", place, *pictures)


def _in_files(statements: Iterator[str]) -> Iterator[str]:
    """Put statements together into files of a moderate size."""
    parts: list[str] = []
    size = 0
    for statement in statements:
        parts.append(statement)
        size += len(statement)
        if size > _FILE_SIZE:
            yield "".join(parts)
            parts, size = [], 0
    if parts:
        yield "".join(parts)


def _scope(root: Path, items: Items) -> str:
    """Return what tells the labels of this gallery from others' in a browser.

    A page that is written again keeps what the first one had, so that the
    labels stay even when the pictures have moved.
    """
    with suppress(OSError):
        if kept := (root / _SCOPE).read_text(encoding="utf-8").strip():
            return kept
    return scope_of(items)


def scope_of(items: Items) -> str:
    """Return a word, made of where pictures are, that tells their labels from those of others."""
    folders = {os.path.dirname(p) for pictures in items.pictures for p in pictures.paths if p is not None}
    names = sorted(map(os.path.realpath, folders))
    return hashlib.blake2b("\n".join(names).encode(), digest_size=6).hexdigest()


def _index(title: str, data: Sequence[str]) -> str:
    scripts = [f"page/{name}" for name in SCRIPTS] + list(data) + ["page/start.js"]
    return (
        page_file("index.html")
        .replace("{title}", html.escape(title))
        .replace("{styles}", "\n".join(f'<link rel="stylesheet" href="page/{name}">' for name in STYLES))
        .replace("{scripts}", "\n".join(f'<script src="{name}"></script>' for name in scripts))
    )
