"""To the volunteers and back: upload what a run made, and read what they said.

This room knows manifests and journals as `output` leaves them, the API of Zooniverse and the files that it
exports. It knows nothing of pixels, and of databases only its own tables in the journal.
"""

from ._api_connection import Patience
from ._api_login import Account, find_account
from ._upload import UploadResult, upload
from ._upload_status import UploadStatus, upload_status
from .labels import (
    Consensus,
    Fractions,
    GoldChoice,
    Labels,
    Method,
    QuestionChoice,
    Weights,
    make_method,
    read_labels,
)

__all__ = (
    "Account",
    "Consensus",
    "Fractions",
    "GoldChoice",
    "Labels",
    "Method",
    "Patience",
    "QuestionChoice",
    "UploadResult",
    "UploadStatus",
    "Weights",
    "find_account",
    "make_method",
    "read_labels",
    "upload",
    "upload_status",
)
