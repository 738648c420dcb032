"""Which dataset types of a repository are the three images."""

__all__ = ("ImageTypes", "find_image_types")

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsst.daf.butler import MissingCollectionError

from ..domain import CutoutsError

NEW_SCIENCE = ("visit_image", "preliminary_visit_image")
OLD_SCIENCE = ("initial_pvi", "calexp")
NEW_TEMPLATE = "template_detector"
NEW_DIFFERENCE = "difference_image"
OLD_TEMPLATES = ("*_templateExp", "*_warpedExp")
OLD_DIFFERENCE = "*_differenceExp"
"""Dataset types that pipelines have written, the best first: where there are both, drp_pipe has subtracted
from ``visit_image``. ``*`` stands for the kind of template, such as ``goodSeeingDiff``."""

COADDS = {"template_coadd": "", "goodSeeingCoadd": "goodSeeingDiff", "deepCoadd": "deepDiff"}
"""Dataset types of the coadds that templates are warped from, and their kind
of template; data releases publish nothing else of templates."""


@dataclass(frozen=True)
class ImageTypes:
    """Names of the dataset types of the three images."""

    science: str
    """The visit's own image."""
    template: str
    """The template, warped to the science image; or the coadds that it can be
    warped from, where the repository has no such template."""
    difference: str | None
    """Science minus template; `None` where there is none and nobody requires it."""
    coadd: str | None = None
    """The coadds that a template is warped from where ``template`` is missing."""
    second_science: str | None = None
    """The visit's own image where ``science`` is missing."""

    @property
    def template_is_coadd(self) -> bool:
        """Whether all templates are warped from coadds."""
        return self.template == self.coadd


@dataclass(frozen=True)
class _Role:
    option: str
    """Config field that overrides the search."""
    patterns: tuple[str, ...]
    """Names in use, newest first."""


SCIENCE = _Role("scienceImageType", NEW_SCIENCE + OLD_SCIENCE)
TEMPLATE = _Role("templateImageType", (NEW_TEMPLATE, *OLD_TEMPLATES, *COADDS))
DIFFERENCE = _Role("differenceImageType", (NEW_DIFFERENCE, OLD_DIFFERENCE))


def find_image_types(
    butler: Any,
    *,
    science: str | None = None,
    template: str | None = None,
    difference: str | None = None,
    require_difference: bool = True,
) -> ImageTypes:
    """Return the dataset types that hold the three images.

    ``butler``: repository, with the default collections to search. ``science``, ``template``, ``difference``:
    dataset type of one image; `None` finds it among the names that pipelines have used, newest first, of
    those that have datasets in the collections. ``require_difference``: whether it is an error that there are
    no difference images. Returns: a set that belongs together: templates and differences of the same kind,
    all of the newest generation there is. Raises `CutoutsError` if there is no such set, naming what was
    looked for, what there is and the option that says otherwise.
    """
    collections = tuple(butler.collections.defaults)
    if not collections:
        raise CutoutsError(
            "There are no collections to search for images: name some.", choices=("collections",)
        )
    present = _Present(butler, collections)
    for name, role in ((science, SCIENCE), (template, TEMPLATE), (difference, DIFFERENCE)):
        if name is not None and not present.has(name):
            raise CutoutsError(f"no datasets of type {name!r} ({role.option}) in {present}")

    sciences = present.choose(science, SCIENCE)
    templates = present.choose(template, TEMPLATE)
    try:
        differences: list[str | None] = [*present.choose(difference, DIFFERENCE)]
    except CutoutsError as error:
        if require_difference:
            raise CutoutsError(
                f"{error}. Releases may store no difference images: requireDifference=False makes "
                "pictures without them"
            ) from error
        differences = [None]
    pairs = [
        (t, d)
        for d in differences
        for t in templates
        if d is None or kind_of(t, TEMPLATE) == kind_of(d, DIFFERENCE)
    ]
    if not pairs and (template is not None or difference is not None):
        # Somebody named one of them outside of the conventions.
        pairs = [(t, d) for d in differences for t in templates]
    if not pairs:
        raise CutoutsError(
            f"no template and difference image that belong together in {present}; "
            f"set {TEMPLATE.option} and {DIFFERENCE.option}"
        )
    chosen, difference = pairs[0]
    of_coadds = [t for t, d in pairs if d == difference and present.is_coadd(t)]
    if science is None and kind_of(chosen, TEMPLATE) and difference != NEW_DIFFERENCE:
        sciences = sorted(sciences, key=lambda name: name in NEW_SCIENCE)
    return ImageTypes(
        science=sciences[0],
        template=chosen,
        difference=difference,
        coadd=of_coadds[0] if of_coadds else None,
        second_science=sciences[1] if sciences[:2] == list(NEW_SCIENCE) else None,
    )


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
        images = [name for name in self._names if any(fnmatch.fnmatchcase(name, each) for each in usual)]
        shown = ", ".join(images) or "none of the usual image types"
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

    def is_coadd(self, name: str) -> bool:
        """Whether datasets of this type belong to patches, not to visits."""
        dimensions = self._butler.get_dataset_type(name).dimensions
        return {"tract", "patch"} <= set(dimensions.required) and "visit" not in dimensions.required

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


def kind_of(name: str, role: _Role) -> str:
    """Return what types of one kind of template share: ``goodSeeingDiff``...; empty for the newest."""
    if name in COADDS:
        return COADDS[name]
    for pattern in role.patterns:
        if fnmatch.fnmatchcase(name, pattern):
            return name.removesuffix(pattern[1:]) if pattern.startswith("*") else ""
    return name
