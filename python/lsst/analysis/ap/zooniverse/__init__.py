"""To the volunteers and back: labels from what they said.

This room knows manifests and journals as `output` leaves them, and the files
that Zooniverse exports. It knows nothing of pixels, and of databases only its
own table in the journal.
"""

from .labels import (
    METHODS,
    Consensus,
    Fractions,
    GoldChoice,
    Labels,
    Method,
    QuestionChoice,
    Weights,
    read_labels,
)

__all__ = (
    "METHODS",
    "Consensus",
    "Fractions",
    "GoldChoice",
    "Labels",
    "Method",
    "QuestionChoice",
    "Weights",
    "read_labels",
)
