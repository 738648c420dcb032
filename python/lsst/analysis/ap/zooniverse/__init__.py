"""To the volunteers: upload what a run made, each subject once.

This room knows manifests and journals as `output` leaves them, and the API of
Zooniverse. It knows nothing of pixels, and of databases only its own table in
the journal.
"""

from ._api_connection import Patience
from ._api_login import Account, find_account
from ._upload import UploadResult, upload
from ._upload_status import UploadStatus, upload_status

__all__ = (
    "Account",
    "Patience",
    "UploadResult",
    "UploadStatus",
    "find_account",
    "upload",
    "upload_status",
)
