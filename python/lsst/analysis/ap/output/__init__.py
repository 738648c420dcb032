"""Where pictures go: files, the journal of what is done, the manifest.

This room knows paths and formats of lists. It knows nothing of what the
pixels mean, and of databases only its own journal.
"""

from ._columns import ManifestColumn, manifest_name
from ._commands import upload_commands
from ._csv import write_csv, write_failures
from ._directory import OutputDirectory, open_directory
from ._existing import open_existing
from ._journal import Journal
from ._manifest import CITSCI_FILES, KEY_COLUMN, MANIFEST_STYLES, ManifestForm, picture_key
from ._metadata import metadata_of, texts_of
from ._order import parse_order
from ._outcomes import Failure, Picture
from ._parquet import for_pandas, with_pandas_types
from ._paths import PictureNames, panel_path
from ._png import without_identity
from ._record import DirectoryRecord, holds_pictures, read_record
from ._rows import join_rows

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
    "parse_order",
    "picture_key",
    "read_record",
    "texts_of",
    "upload_commands",
    "with_pandas_types",
    "without_identity",
    "write_csv",
    "write_failures",
)
