"""Words that the page takes from the rest of the package."""

__all__ = ("flag_words", "synonyms")

from ..render import FLAG_MEANINGS, FLAG_WORDS, LABEL_FLAGS
from ..sources import SYNONYMS, current_name


def flag_words() -> list[dict[str, object]]:
    """Return the words of flags, with their columns by their current names.

    Returns: ``word``, ``columns`` and ``about`` of each: those of a picture, and one for each flux whose
    measurement failed.
    """
    words = [(word.word, word.columns, FLAG_MEANINGS[word.word]) for word in FLAG_WORDS]
    names = {"psf": "the PSF flux", "ap": "the aperture flux", "total": "the total flux"}
    words += [
        (
            f"{label.upper() if label == 'psf' else label} flux",
            columns,
            f"The measurement of {names[label]} has a flag.",
        )
        for label, columns in LABEL_FLAGS.items()
    ]
    return [
        {"word": word, "columns": list(dict.fromkeys(map(current_name, columns))), "about": about}
        for word, columns, about in words
    ]


def synonyms() -> list[tuple[str, str]]:
    """Return other names of columns, each with the current name."""
    return list(SYNONYMS.items())
