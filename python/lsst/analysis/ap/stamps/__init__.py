"""The stamps themselves as arrays, for machines that learn from them.

A run leaves the template, science and difference stamps of every source with the catalogue row and the WCS.
The stamps of each batch are kept in a file of their own; every other file is made from these, and never read
back. This room knows files and their formats, and of a stamp no more than its pixels and its place.
"""

from ._choice import FORMATS, StampChoice
from ._columns import StampColumns
from ._files import StampFiles
from ._parts import PartWriter
from ._schemas import plain
from ._table import stamp_table

__all__ = ("FORMATS", "PartWriter", "StampChoice", "StampColumns", "StampFiles", "plain", "stamp_table")
