"""What a notebook displays; it needs anywidget, which only notebooks have."""

__all__ = ("GalleryWidget",)

from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from ._widget import labels_of, widget_module, widget_style

if TYPE_CHECKING:
    import pandas as pd


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
