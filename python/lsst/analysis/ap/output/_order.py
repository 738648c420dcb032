"""The order of a manifest."""

__all__ = ("parse_order", "shuffled")

import hashlib


def parse_order(text: str) -> int | None:
    """Return the seed of a random order.

    ``text``: ``detector``, ``random`` or ``random:N``. Returns: `None` for the order of visit, detector and
    diaSourceId. Raises `ValueError` for anything else.
    """
    if text == "detector":
        return None
    word, colon, seed = text.partition(":")
    if word != "random" or (colon and not seed.isdecimal()):
        raise ValueError(f"'detector', 'random' or 'random:N', not {text!r}")
    return int(seed or 0)


def shuffled(seed: int, diaSourceId: int) -> bytes:
    """Return what random orders sort by.

    Returns: it depends on nothing else, so that sources that come later fall among those that are there,
    whose order stays.
    """
    return hashlib.blake2b(f"{seed} {diaSourceId}".encode(), digest_size=8).digest()
