"""Labels of DiaSources: what volunteers said, joined to the pictures they saw."""

from ._gold import GoldChoice
from ._methods import METHODS, Consensus, Fractions, Method, Weights
from ._question import QuestionChoice
from ._read_labels import Labels, read_labels

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
