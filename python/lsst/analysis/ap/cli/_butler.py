"""The butler repository that a command reads from."""

__all__ = ("open_butler",)

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from ..domain import CutoutsError
from ..messages import did_you_mean, public_uri, waiting_for

if TYPE_CHECKING:
    from lsst.daf.butler import Butler


def open_butler(repo: str, groups: Sequence[Sequence[str]] | None) -> "Butler":
    """Open a repository read-only, and check that the collections exist."""
    from lsst.daf.butler import Butler, MissingCollectionError

    words = [name.strip() for group in groups or () for word in group for name in word.split(",")]
    try:
        with waiting_for(f"butler repository {public_uri(repo)}"):
            butler = Butler.from_config(repo, writeable=False)
    except Exception as error:  # what comes depends on the kind of repository
        cause = next(iter(str(error).splitlines()), type(error).__name__)
        raise CutoutsError(
            f"Butler repository {public_uri(repo)} cannot be opened: {public_uri(cause).rstrip('.')}. "
            "Give the directory that holds butler.yaml, its URI, or its label."
        ) from error
    collections: list[str] = []
    for word in filter(None, words):
        try:
            found = butler.collections.query(word)
        except MissingCollectionError as error:
            _refuse(word, butler, repo, error)
        if not found:
            _refuse(word, butler, repo)
        # Of names with a wildcard, the newest first, as their time stamps sort.
        collections += [word] if word in found else sorted(found, reverse=True)
    if collections:
        butler = butler.clone(collections=tuple(dict.fromkeys(collections)))
    if not butler.collections.defaults:
        _refuse("", butler, repo)
    return butler


def _refuse(word: str, butler: "Butler", repo: str, error: Exception | None = None) -> NoReturn:
    known = sorted(butler.collections.query("*"))
    cause = f"No collection is named {word}." if word else "It is not said which collections to search."
    shown = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    raise CutoutsError(
        f"{cause}{did_you_mean(word, known)} {public_uri(repo)} has {shown or 'none'}: name them with "
        "--collections."
    ) from error
