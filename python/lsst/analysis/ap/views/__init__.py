"""Pictures to look at: many at once, two runs side by side, one object through time.

This room arranges what the others make. It knows stamps, rows and pictures,
and nothing of files and databases.
"""

from ._show import PictureGrid, make_grid

__all__ = ("PictureGrid", "make_grid")
