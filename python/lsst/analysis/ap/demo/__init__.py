"""A synthetic sky, written as a real butler repository and a real APDB."""

__all__ = ("DemoPaths", "make_demo")

from ._make import make_demo
from ._paths import DemoPaths
