"""Where pictures go: files, the journal of what is done, the manifest.

This room knows paths and formats of lists. It knows nothing of what the
pixels mean, and of databases only its own journal.
"""

from ._csv import write_csv, write_failures
from ._directory import OutputDirectory
from ._existing import open_existing
from ._journal import Journal
from ._manifest import CITSCI_FILES, MANIFEST_STYLES, ManifestForm, is_marked, manifest_name
from ._metadata import metadata_of, texts_of
from ._outcomes import Failure, Picture
from ._paths import panel_path, picture_path
from ._record import DirectoryRecord, holds_pictures, read_record
from ._remote import open_directory
from ._rows import join_rows

__all__ = (
    "CITSCI_FILES",
    "MANIFEST_STYLES",
    "DirectoryRecord",
    "Failure",
    "Journal",
    "ManifestForm",
    "OutputDirectory",
    "Picture",
    "holds_pictures",
    "is_marked",
    "join_rows",
    "manifest_name",
    "metadata_of",
    "open_directory",
    "open_existing",
    "panel_path",
    "picture_path",
    "read_record",
    "texts_of",
    "write_csv",
    "write_failures",
)
