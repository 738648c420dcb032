"""Where pictures go: files, the journal of what is done, the manifest.

This room knows paths and formats of lists. It knows nothing of what the
pixels mean, and of databases only its own journal.
"""

from ._directory import OutputDirectory
from ._journal import Journal
from ._manifest import manifest_name, write_failures, write_manifest
from ._outcomes import Failure, Picture

__all__ = (
    "Failure",
    "Journal",
    "OutputDirectory",
    "Picture",
    "manifest_name",
    "write_failures",
    "write_manifest",
)
