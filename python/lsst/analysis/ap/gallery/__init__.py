"""A page that shows a directory of pictures, and takes labels.

This room knows what a run left in its directory, and how to show it in a
browser without a server. How pictures are made it does not know.
"""

from ._compare import Thresholds
from ._data import LABELS
from ._items import Items, PictureSet, read_items
from ._make import make_gallery
from ._match import match_sources
from ._png_texts import PictureFacts
from ._widget import gallery_widget

__all__ = (
    "LABELS",
    "Items",
    "PictureFacts",
    "PictureSet",
    "Thresholds",
    "gallery_widget",
    "make_gallery",
    "match_sources",
    "read_items",
)
