"""Pictures to look at: many at once, two runs side by side, one object through time.

This room arranges what the others make. It knows stamps, rows and pictures, and nothing of databases.
"""

from ._compare import Comparison
from ._history import History
from ._history_files import write_histories
from ._notebook import NotebookViews
from ._show import PictureGrid

__all__ = ("Comparison", "History", "NotebookViews", "PictureGrid", "write_histories")
