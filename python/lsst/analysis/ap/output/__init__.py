"""Where pictures go: files, the journal of what is done, the manifest.

This room knows paths and formats of lists. It knows nothing of what the
pixels mean, and of databases only its own journal.
"""

from ._directory import *
from ._journal import *
from ._manifest import *
from ._outcomes import *
