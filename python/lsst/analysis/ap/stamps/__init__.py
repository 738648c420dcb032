"""The stamps themselves as arrays, for machines that learn from them.

A run leaves the template, science and difference stamps of every picture
with the catalogue row and the WCS, in one or a few files. This room knows
files and their formats, and of a stamp no more than its shape and its place.
"""

from ._columns import StampColumns, plain, stamp_table
from ._files import StampFiles
from ._formats import FORMATS
from ._spill import SpillWriter

__all__ = ("FORMATS", "SpillWriter", "StampColumns", "StampFiles", "plain", "stamp_table")
