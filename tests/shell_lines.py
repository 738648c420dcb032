"""The shell lines of the documentation, and a shell that runs them on the small sky."""

import inspect
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from lsst.daf.butler.cli.utils import LogCliRunner

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "doc" / "index.rst",
    *sorted((ROOT / "doc" / "lsst.analysis.ap").rglob("*.rst")),
]
SHELLS = "bash|sh|shell|console|prompt"
PANOPTES = Path(sys.prefix, "panoptes", "bin", "panoptes")
OURS = {"zooniverseCutouts": "cutouts"} | {
    f"zooniverseCutouts{name.title()}": name for name in ("compare", "export", "gallery", "labels", "upload")
}
THEIRS = {"pipetask": "lsst.ctrl.mpexec.cli.pipetask", "butler": "lsst.daf.butler.cli.butler"}

_RST = (
    r"^(?: *\.\. (?P<mark>.*)\n\n)?(?P<indent> *)"
    rf"\.\. code-block:: (?:{SHELLS})\n\n(?P<text>(?:(?P=indent)   .*\n|\n)+)"
)
_MARKDOWN = rf"^(?:<!-- (?P<mark>.*) -->\n)?```(?:{SHELLS})\n(?P<text>(?:.*\n)*?)```"


class Block(NamedTuple):
    """Some shell lines of a page."""

    lines: tuple[str, ...]
    """Whole commands, without comments."""

    reason: str | None
    """Why they are not executed."""


def blocks(page):
    """Return the shell blocks of a page."""
    pattern = _MARKDOWN if page.suffix == ".md" else _RST
    found = []
    for match in re.finditer(pattern, page.read_text(), flags=re.MULTILINE):
        lines = (line.strip() for line in match["text"].replace("\\\n", " ").splitlines())
        reason = re.fullmatch(r"Not executed(?: here)?: (.+)", match["mark"] or "")
        commands = tuple(line for line in lines if line and not line.startswith("#"))
        found.append(Block(commands, reason[1] if reason else None))
    return found


def examples(name):
    """Return the commands that end the ``--help`` of one of our commands."""
    text = inspect.cleandoc(import_module(f"lsst.analysis.ap.cli.{name}").build_parser().epilog)
    lines = (line for line in text.splitlines() if line.startswith("    "))
    return [line.strip() for line in "\n".join(lines).replace("\\\n", " ").splitlines()]


class Shell:
    """Runs the lines of a page, most of them within this process.

    Parameters
    ----------
    words
        What words of the pages stand for here, replaced in this order.
    """

    def __init__(self, words):
        self._words = words

    def run(self, line):
        """Run a line, and return its exit status."""
        if line.startswith("-"):  # words to add to the command
            line = (
                f"zooniverseCutouts --dry-run {line} --apdb apdb.yaml --collections LSSTCam/prompt /repo/main"
            )
        for word, meaning in self._words.items():
            line = line.replace(word, meaning)
        # A process more takes longer to begin than to make the few pictures here.
        program, *words = shlex.split(re.sub(r" -j \d+", "", line), comments=True)
        if program in OURS:
            return import_module(f"lsst.analysis.ap.cli.{OURS[program]}").main(["--quiet", *words])
        if program in THEIRS:
            result = LogCliRunner().invoke(import_module(THEIRS[program]).cli, words)
            return result.exit_code and f"{result.output}{result.exception!r}"
        if program == "panoptes":
            return subprocess.run([PANOPTES, *words], input="n\n", text=True).returncode
        path = f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
        return subprocess.run(["bash", "-euc", f"{path}; {line}"], stdout=subprocess.DEVNULL).returncode
