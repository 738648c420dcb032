"""Where pictures go: files, the journal of what is done, the manifest.

This room knows paths and formats of lists. It knows nothing of what the
pixels mean, and of databases only its own journal.
"""

from ._directory import OutputDirectory, PictureNames, panel_path, picture_key
from ._journal import Journal
from ._journal_tables import join_rows
from ._manifest import (
    CITSCI_FILES,
    KEY_COLUMN,
    MANIFEST_STYLES,
    ManifestColumn,
    ManifestForm,
    manifest_name,
    metadata_of,
    texts_of,
    upload_commands,
)
from ._parquet import for_pandas, with_pandas_types
from ._pictures import Failure, Picture, png_chunks, without_identity
from ._record import DirectoryRecord, holds_pictures, open_existing, read_record
from ._remote import open_directory

__all__ = (
    "CITSCI_FILES",
    "KEY_COLUMN",
    "MANIFEST_STYLES",
    "DirectoryRecord",
    "Failure",
    "Journal",
    "ManifestColumn",
    "ManifestForm",
    "OutputDirectory",
    "Picture",
    "PictureNames",
    "for_pandas",
    "holds_pictures",
    "join_rows",
    "manifest_name",
    "metadata_of",
    "open_directory",
    "open_existing",
    "panel_path",
    "picture_key",
    "png_chunks",
    "read_record",
    "texts_of",
    "upload_commands",
    "with_pandas_types",
    "without_identity",
)
