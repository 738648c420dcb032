"""DiaSources from wherever they are kept, as batches of one detector each.

This room knows databases, catalogue files and column names. It knows nothing
of pixels.
"""

from ._apdb import *
from ._batches import *
from ._columns import *
from ._files import *
from ._selection import *
from ._tables import *
