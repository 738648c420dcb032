"""A look at AST text before AST itself sees it."""

__all__ = ("check_ast_text",)

import re
from functools import lru_cache

from ._ast_trial import try_ast_text

MAX_LENGTH = 2**24
"""Characters of a text that is longer than the WCS of any image."""

LINE = re.compile(
    r"""(?:
        (?P<word>Begin|End|IsA)\s+(?P<name>[A-Za-z]\w*)
        |(?P<key>[A-Za-z]\w*)\s*=\s*(?P<value>"(?:[^"]|"")*"|[^\s"\#]*)
    )?\s*(?:\#.*)?""",
    re.VERBOSE | re.ASCII,
)
"""A line of an AST Channel, without the blanks around it: the begin or end of an object or of the part that
belongs to one of its classes, or an attribute, or an object that follows."""


@lru_cache(maxsize=64)
def check_ast_text(text: str) -> None:
    """Check that a text may be given to AST.

    AST trusts what it reads; some damaged texts make it crash the process.

    ``text``: objects in AST's native text encoding. Raises `ValueError` if it cannot have been written by
    AST: a line has another form, the ends of objects do not match their beginnings, or it crashes AST;
    `ImportError` if no library reads such text.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"AST cannot read the WCS: its text has {len(text)} characters")
    _check_form(text)
    # No check of the form finds every text that crashes AST, or keeps it busy
    # for ever: a missing attribute is enough, or a coefficient.
    try_ast_text(text)


def _check_form(text: str) -> None:
    """Check that lines are those that AST writes, and objects whole."""
    opened: list[str] = []
    finished = False
    for number, line in enumerate(text.splitlines(), start=1):
        match = LINE.fullmatch(line.strip())
        if match is None or not line.replace("\t", " ").isprintable():
            raise ValueError(f"AST cannot read the WCS: line {number} is {line[:60]!r}")
        word, name, key = match["word"], match["name"], match["key"]
        if finished and (word or key):
            raise ValueError(f"AST cannot read the WCS: line {number} follows the end")
        if word == "Begin":
            opened.append(name)
        elif word == "End":
            if not opened or opened.pop() != name:
                raise ValueError(f"AST cannot read the WCS: line {number} ends a {name} that did not begin")
            finished = not opened
        elif not opened and (word or key):
            raise ValueError(f"AST cannot read the WCS: line {number} belongs to nothing")
    if not finished:
        raise ValueError("AST cannot read the WCS: the text has no end")
