"""Which dataset types of a repository are the three images."""

__all__ = ("ImageTypes", "find_image_types")

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lsst.daf.butler import MissingCollectionError

from ..domain import CutoutsError

NEW_SCIENCE = ("preliminary_visit_image", "visit_image")
OLD_SCIENCE = ("initial_pvi", "calexp")
NEW_TEMPLATE = "template_detector"
NEW_DIFFERENCE = "difference_image"
OLD_TEMPLATES = ("*_templateExp", "*_warpedExp")
OLD_DIFFERENCE = "*_differenceExp"
"""Dataset types that pipelines have written, newest first; ``*`` stands for
the kind of template, such as ``goodSeeingDiff``."""


@dataclass(frozen=True)
class ImageTypes:
    """Names of the dataset types of the three images."""

    science: str
    """The visit's own image."""

    template: str
    """The template, warped to the science image."""

    difference: str
    """Science minus template."""


@dataclass(frozen=True)
class _Role:
    option: str
    """Config field that overrides the search."""

    patterns: tuple[str, ...]
    """Names in use, newest first."""


SCIENCE = _Role("scienceImageType", NEW_SCIENCE + OLD_SCIENCE)
TEMPLATE = _Role("templateImageType", (NEW_TEMPLATE, *OLD_TEMPLATES))
DIFFERENCE = _Role("differenceImageType", (NEW_DIFFERENCE, OLD_DIFFERENCE))


def find_image_types(
    butler: Any, *, science: str | None = None, template: str | None = None, difference: str | None = None
) -> ImageTypes:
    """Return the dataset types that hold the three images.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        Repository, with the default collections to search.
    science, template, difference : `str`, optional
        Dataset type of one image; `None` finds it among the names that
        pipelines have used, newest first, of those that have datasets in the
        collections.

    Returns
    -------
    types : `ImageTypes`
        A set that belongs together: templates and differences of the same
        kind, all of the newest generation there is.

    Raises
    ------
    CutoutsError
        Raised if there is no such set, naming what was looked for, what there
        is and the option that says otherwise.
    """
    collections = tuple(butler.collections.defaults)
    if not collections:
        raise CutoutsError("no collections to search for images; name some, for instance with --collections")
    present = _Present(butler, collections)
    for name, role in ((science, SCIENCE), (template, TEMPLATE), (difference, DIFFERENCE)):
        if name is not None and not present.has(name):
            raise CutoutsError(f"no datasets of type {name!r} ({role.option}) in {present}")

    sciences = present.choose(science, SCIENCE)
    templates = present.choose(template, TEMPLATE)
    differences = present.choose(difference, DIFFERENCE)
    pairs = [(t, d) for d in differences for t in templates if kind_of(t, TEMPLATE) == kind_of(d, DIFFERENCE)]
    if not pairs and (template is not None or difference is not None):
        # Somebody named one of them outside of the conventions.
        pairs = [(t, d) for d in differences for t in templates]
    if not pairs:
        raise CutoutsError(
            f"no template and difference image that belong together in {present}; "
            f"set {TEMPLATE.option} and {DIFFERENCE.option}"
        )
    template, difference = pairs[0]
    if science is None and template != NEW_TEMPLATE and difference != NEW_DIFFERENCE:
        sciences = sorted(sciences, key=lambda name: name in NEW_SCIENCE)
    return ImageTypes(science=sciences[0], template=template, difference=difference)


class _Present:
    """The image dataset types that have datasets in some collections."""

    def __init__(self, butler: Any, collections: Sequence[str]) -> None:
        self._butler = butler
        self._collections = collections
        try:
            infos = butler.collections.query_info(
                collections, include_summary=True, flatten_chains=True, summary_datasets=None
            )
        except MissingCollectionError as error:
            raise CutoutsError(f"cannot search {', '.join(collections)}: {error}") from error
        self._names: list[str] = sorted({name for info in infos for name in info.dataset_types or ()})
        self._counted: dict[str, bool] = {}

    def __str__(self) -> str:
        usual = SCIENCE.patterns + TEMPLATE.patterns + DIFFERENCE.patterns
        images = [name for name in self._names if _matches(name, usual)]
        shown = ", ".join(images) if images else "none of the usual image types"
        return f"collections {', '.join(self._collections)} (which have {shown})"

    def has(self, name: str) -> bool:
        """Whether there is any dataset of this type.

        The summary of a collection also names types whose datasets are gone.
        """
        if name not in self._names:
            return False
        if name not in self._counted:
            self._counted[name] = bool(
                self._butler.query_datasets(name, self._collections, limit=1, explain=False)
            )
        return self._counted[name]

    def choose(self, name: str | None, role: _Role) -> list[str]:
        """Return the types for a role, the best first."""
        if name is not None:
            return [name]
        found = [
            candidate
            for pattern in role.patterns
            for candidate in fnmatch.filter(self._names, pattern)
            if self.has(candidate)
        ]
        if not found:
            raise CutoutsError(
                f"no {' or '.join(role.patterns)} in {self}; set {role.option} to the type to use"
            )
        return found


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def kind_of(name: str, role: _Role) -> str:
    """Return what the dataset types of one kind of template share.

    Parameters
    ----------
    name : `str`
        Name of a dataset type.
    role : `_Role`
        `TEMPLATE` or `DIFFERENCE`.

    Returns
    -------
    kind : `str`
        ``goodSeeingDiff`` and the like; empty for the newest names.
    """
    for pattern in role.patterns:
        if fnmatch.fnmatchcase(name, pattern):
            return name.removesuffix(pattern[1:]) if pattern.startswith("*") else ""
    return name
