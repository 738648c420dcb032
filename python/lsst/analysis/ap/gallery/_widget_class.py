"""What a notebook displays; it needs anywidget, which only notebooks have."""

__all__ = ("GalleryWidget",)

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import unquote

import anywidget
import traitlets

from ._page import SCRIPTS, STYLES, page_file

if TYPE_CHECKING:
    import pandas as pd

_TIME: Final = len("2026-11-05T12:00:00.000Z")
"""A time stands before each label in the storage."""


def widget_module() -> str:
    """Return the scripts of the page as one module for a notebook."""
    return "\n".join(page_file(name) for name in (*SCRIPTS, "widget.js"))


def widget_style() -> str:
    """Return the style sheets of the page as one."""
    return "\n".join(page_file(name) for name in STYLES)


def labels_of(stored: Mapping[str, str]) -> "pd.DataFrame":
    """Return the labels among what the page stored.

    ``stored``: items of its storage; ``labels.js`` says what their keys are. Returns: columns
    ``diaSourceId``, ``label``, ``who`` and ``when``, sorted by person and time.
    """
    import pandas as pd

    rows = []
    for key, value in stored.items():
        if key.startswith("lsst.analysis.ap/labels/"):
            *_, who, identifier = key.split("/")
            rows.append((int(unquote(identifier)), value[_TIME:], unquote(who), value[:_TIME]))
    rows.sort(key=lambda row: (row[2], row[3], row[0]))
    table = pd.DataFrame(rows, columns=["diaSourceId", "label", "who", "when"])
    return table.astype({"diaSourceId": "int64"})


class GalleryWidget(anywidget.AnyWidget):
    """The page in a notebook.

    The browser keeps nothing of it: each label is sent here when it is made, and a view that is displayed
    again asks for all of them.

    ``**kwargs``: the data of the page, as ``widget.js`` takes them.
    """

    _esm: ClassVar[str] = widget_module()
    _css: ClassVar[str] = widget_style()
    header: "traitlets.Dict[str, Any]" = traitlets.Dict().tag(sync=True)
    columns: "traitlets.List[Any]" = traitlets.List().tag(sync=True)
    sets: "traitlets.List[Any]" = traitlets.List().tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)
    places: "traitlets.List[Any]" = traitlets.List().tag(sync=True)
    height = traitlets.Unicode().tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._stored: dict[str, str] = {}
        self.on_msg(self._hear)

    def _hear(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if "ask" in content:
            self.send({"items": list(self._stored.items())})
        elif content.get("value") is None:
            self._stored.pop(content.get("key", ""), None)
        else:
            self._stored[content["key"]] = content["value"]

    @property
    def labels(self) -> "pd.DataFrame":
        """Every label that was given: ``diaSourceId``, ``label``, ``who`` and ``when``."""
        return labels_of(self._stored)
