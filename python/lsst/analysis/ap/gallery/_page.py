"""Write the page: what it is made of, and the data that it shows."""

__all__ = ("LABELS", "write_page")

import dataclasses
import hashlib
import html
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa

from ..domain import CutoutsError
from ..output import OutputDirectory
from ._encode import encode_column, script_call
from ._items import Items, PictureSet
from ._words import flag_words, synonyms

LABELS: Final = (("real", "r"), ("bogus", "b"), ("unsure", "u"))
"""The words of labels, and the key of each."""

SCRIPTS: Final = (
    *("base.js", "columns.js", "data.js"),
    *("words.js", "parse.js", "condition.js", "filter.js", "order.js"),
    *("csv.js", "labels.js", "kappa.js", "settings.js", "state.js", "fragment.js"),
    *(
        "scale.js",
        "picture.js",
        "limits.js",
        "lines.js",
        "grid.js",
        "histogram.js",
        "choices.js",
        "facets.js",
        "bar.js",
    ),
    *("scatter.js", "bars.js", "plots.js", "large.js", "labelling.js", "dialogs.js", "keys.js", "app.js"),
)
"""The scripts of the page, in the order in which they need each other."""

STYLES: Final = ("theme.css", "layout.css", "facets.css", "pictures.css", "plots.css", "windows.css")
"""The style sheets of the page."""

_FILE_SIZE: Final = 4_000_000
"""Characters in a script of data, at which the next one begins."""


def page_file(name: str) -> str:
    """Return a file that the page is made of.

    Parameters
    ----------
    name : `str`
        One of `SCRIPTS` or `STYLES`, ``start.js`` or ``index.html``.

    Returns
    -------
    content : `str`
        What it holds.
    """
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def write_page(items: Items, out: str | Path, *, labels: Sequence[tuple[str, str]] = LABELS) -> Path:
    """Write a page that shows items, and everything that it needs.

    Parameters
    ----------
    items : `Items`
        What it shows. Their pictures stay where they are.
    out : `str` or `pathlib.Path`
        Directory for the page; made when it does not exist. What an earlier
        page left there is replaced.
    labels : sequence of `tuple` [`str`, `str`], optional
        The words of labels, each with its key, a letter or digit.

    Returns
    -------
    index : `pathlib.Path`
        The file to open in a browser.

    Raises
    ------
    CutoutsError
        Raised when the directory holds something else, or cannot be written
        to.
    """
    root = Path(out)
    index = root / "index.html"
    if root.is_dir() and any(root.iterdir()) and not (root / "page" / "base.js").is_file():
        raise CutoutsError(f"{root} holds something else than a gallery: name a new directory for the page.")
    directory = OutputDirectory(root)
    head = header(items, labels, scope=_scope(root, items))
    scripts = list(_in_files(data_script(items, head, lambda path: _address(path, root))))
    # Named by their content, so that a page never sees a half of the data of another.
    names = [f"data/{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.js" for text in scripts]
    for name in (*SCRIPTS, "start.js", *STYLES):
        directory.write(f"page/{name}", page_file(name).encode())
    for name, text in zip(names, scripts, strict=True):
        directory.write(name, text.encode("ascii"))
    directory.write("scope.txt", head["scope"].encode())
    directory.write("index.html", _index(items.title, names).encode())
    directory.remove(
        f"data/{path.name}" for path in (root / "data").glob("*.js") if f"data/{path.name}" not in names
    )
    return index


def header(items: Items, labels: Sequence[tuple[str, str]], scope: str) -> dict[str, Any]:
    """Return what a page must know before the columns come.

    Parameters
    ----------
    items : `Items`
        What it shows.
    labels : sequence of `tuple` [`str`, `str`]
        The words of labels, each with its key.
    scope : `str`
        What tells this gallery's labels from those of others.

    Returns
    -------
    header : `dict`
        What ``Gallery.begin`` of the page takes, but for the columns'
        storage.
    """
    table = items.table
    return {
        "title": items.title,
        "scope": scope,
        "rows": len(table),
        "pictures": [{"name": each.name, "colors": _colors(each)} for each in items.pictures],
        "order": items.order,
        "summary": items.summary,
        "labels": [{"word": word, "key": key} for word, key in labels],
        "flagWords": flag_words(),
        "synonyms": synonyms(),
        "columns": [_described(field) for field in table.schema],
    }


def _colors(pictures: PictureSet) -> dict[str, dict[str, Any]]:
    return {panel: {"a": scale.a, "map": scale.map} for panel, scale in pictures.colors.items()}


def _described(field: pa.Field) -> dict[str, str]:
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    unit, about = (metadata.get(key, b"").decode("utf-8", "replace") for key in (b"unit", b"description"))
    return {"name": field.name, "unit": unit, "about": about}


def data_script(items: Items, head: dict[str, Any], address: Any) -> Iterator[str]:
    """Yield the statements that bring the data of a page.

    Parameters
    ----------
    items : `Items`
        What it shows.
    head : `dict`
        What `header` returned.
    address : callable
        Returns where the page finds a picture, a URL.

    Yields
    ------
    statement : `str`
        One line of JavaScript; the first must come first.
    """
    encoded = [encode_column(column) for column in items.table.columns]
    for described, column in zip(head["columns"], encoded, strict=True):
        described |= {"kind": column.kind, "storage": column.storage}
    yield script_call("Gallery.begin", head)
    for place, column in enumerate(encoded):
        # Base64 needs no second parsing, as other text does.
        texts = f", {script_call('', list(column.texts))[1:-3]}" if column.texts else ""
        yield f'Gallery.column({place}, "{column.values}", "{column.valid}"{texts});\n'
    for place, pictures in enumerate(items.pictures):
        yield script_call("Gallery.receivePictures", place, *_pictures(pictures, address))


def _pictures(pictures: PictureSet, address: Any) -> tuple[list[str | None], list[Any], list[int] | None]:
    paths = [None if path is None else address(path) for path in pictures.paths]
    places: dict[str, int] = {}
    frames: list[Any] = []
    codes = []
    for facts in pictures.facts:
        # Limits, which each picture has for itself, are columns of the table.
        frame = None if facts is None else dataclasses.asdict(dataclasses.replace(facts, limits={}))
        if (key := repr(frame)) not in places:
            places[key] = len(frames)
            frames.append(frame)
        codes.append(places[key])
    return paths, frames, None if len(frames) == 1 else codes


def _in_files(statements: Iterator[str]) -> Iterator[str]:
    """Put statements together into files of a moderate size."""
    parts: list[str] = []
    for statement in statements:
        parts.append(statement)
        if sum(map(len, parts)) > _FILE_SIZE:
            yield "".join(parts)
            parts = []
    if parts:
        yield "".join(parts)


def _address(path: Path, root: Path) -> str:
    """Return where a page in a directory finds a file."""
    return quote(Path(os.path.relpath(path.absolute(), root.absolute())).as_posix())


def _scope(root: Path, items: Items) -> str:
    """Return what tells the labels of this gallery from others' in a browser.

    A page that is written again keeps what the first one had, so that the
    labels stay even when the pictures have moved.
    """
    try:
        kept = (root / "scope.txt").read_text(encoding="utf-8").strip()
    except OSError:
        kept = ""
    if kept:
        return kept
    folders = sorted({str(p.parent.resolve()) for s in items.pictures for p in s.paths if p is not None})
    return hashlib.blake2b("\n".join(folders).encode(), digest_size=6).hexdigest()


def _index(title: str, data: Sequence[str]) -> str:
    scripts = [f"page/{name}" for name in SCRIPTS] + list(data) + ["page/start.js"]
    return (
        page_file("index.html")
        .replace("{title}", html.escape(title))
        .replace("{styles}", "\n".join(f'<link rel="stylesheet" href="page/{name}">' for name in STYLES))
        .replace("{scripts}", "\n".join(f'<script src="{name}"></script>' for name in scripts))
    )
