"""How long the walk is from a row of an APDB to its picture.

Counts, with `sys.setprofile` around the command's ``main``, the files of this
package that run for one source with the default looks, their functions, and
the moves: how often a function is called in another file than the one called
before it. What runs while modules are imported does not count, and neither
does what only the first picture of a process needs, or what runs in threads.

    python benchmarks/walk.py [--json FILE]
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

PACKAGE = "lsst/analysis/ap/"


class Walk:
    """What ran of the package, and the moves between its files."""

    def __init__(self) -> None:
        self.functions: set[tuple[str, str, int]] = set()
        self.moves = 0
        self.into: Counter[tuple[str, str]] = Counter()
        self._here = ""

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Take down one event; the hook of `sys.setprofile`."""
        code = frame.f_code
        if event != "call" or PACKAGE not in code.co_filename or _imports(frame):
            return
        file = code.co_filename.rpartition(PACKAGE)[2]
        self.functions.add((file, code.co_qualname, code.co_firstlineno))
        if file != self._here:
            self.moves += 1
            self.into[self._here, file] += 1
        self._here = file

    @property
    def files(self) -> set[str]:
        """Files that ran."""
        return {file for file, *_ in self.functions}


def _imports(frame: FrameType) -> bool:
    """Return whether a frame runs because a module is imported."""
    found: FrameType | None = frame
    while found is not None:
        if found.f_code.co_name == "<module>" and PACKAGE in found.f_code.co_filename:
            return True
        found = found.f_back
    return False


def main() -> None:
    """Make a small sky, follow one source, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", metavar="FILE", help="also write the numbers to this file")
    parser.add_argument("--list", action="store_true", help="also list functions and moves by file")
    arguments = parser.parse_args()
    from lsst.analysis.ap.cli.cutouts import main as command
    from lsst.analysis.ap.demo import make_demo

    with tempfile.TemporaryDirectory() as folder:
        demo = make_demo(f"{folder}/demo", size=400, visits=1, detectors=1, sources_per_detector=8)
        words = ["--quiet", "--sqlitefile", str(demo.apdb), "--collections", demo.collection, "--limit", "1"]
        assert command([*words, str(demo.repo), f"{folder}/first"]) == 0
        walk = Walk()
        sys.setprofile(walk)
        status = command([*words, str(demo.repo), f"{folder}/pictures"])
        sys.setprofile(None)
        assert status == 0
        assert len(list(Path(folder, "pictures").glob("*.png"))) == 1
    figures = {"files": len(walk.files), "functions": len(walk.functions), "moves": walk.moves}
    if arguments.list:
        for file in sorted(walk.files):
            print(file, *sorted(name for f, name, _ in walk.functions if f == file), sep="\n    ")
        for (before, after), number in walk.into.most_common():
            print(f"{number:5} {before} -> {after}")
    print(", ".join(f"{number} {name}" for name, number in figures.items()))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"ratios": {}, "figures": figures}) + "\n")


if __name__ == "__main__":
    main()
