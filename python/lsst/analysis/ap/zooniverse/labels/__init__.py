"""Labels of DiaSources: what volunteers said, joined to the pictures they saw."""

from ._gold import GoldChoice
from ._methods import Consensus, Fractions, Method, Weights, make_method
from ._question import QuestionChoice
from ._read_labels import Labels, read_labels

__all__ = (
    "Consensus",
    "Fractions",
    "GoldChoice",
    "Labels",
    "Method",
    "QuestionChoice",
    "Weights",
    "make_method",
    "read_labels",
)
