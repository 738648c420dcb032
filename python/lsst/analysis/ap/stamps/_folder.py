"""The hidden folder in which stamps are kept, and the files that are made from it."""

__all__ = ("StampFolder",)

import contextlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ..domain import CutoutsError

_HIDDEN: Final = ".stamps"
_STATE: Final = "state.json"
_VERSION: Final = 1
CARD: Final = "README.md"
"""Name of the data card."""

_OURS: Final = re.compile(
    r"stamps(_mask|_variance|_psf)?(_\d+)?\.npy|stamps_catalogue\.parquet|stamps\.zarr|README\.md"
    r"|stamps(-train|-validation|-test)?(-\d{5,})?\.(parquet|tar)"
)
"""Every name that files made from stamps can have. No other is believed to be
one of ours, whatever a state says."""


class StampFolder:
    """The hidden folder ``.stamps`` of the directory of a run.

    ``parts/*/*.arrow`` are the stamps of batches, a folder for each run. They stay: every other file is made
    from them, in ``building``, and then gets its name in the directory. ``state.json`` has the names and
    sizes of those files, and what they were made from.
    """

    def __init__(self, outdir: Path) -> None:
        self.outdir = outdir
        """Directory of the run."""
        self._path = outdir / _HIDDEN
        self._parts = self._path / "parts"
        self._building = self._path / "building"
        self._trash = outdir / f"{_HIDDEN}.trash"

    def check(self) -> None:
        """Make sure that nothing of somebody else is in the way.

        Raises `CutoutsError` when a file has one of our names, and we did not make it.
        """
        if self._path.is_symlink():
            raise CutoutsError(f"{self._path} is a symbolic link, which no run makes: remove it.")
        ours = self._made()[1]
        for path in sorted(self.outdir.iterdir()):
            if _OURS.fullmatch(path.name) and path.name not in ours:
                raise CutoutsError(
                    f"{path} is not of an earlier run, and this one may write a file of that name: move it, "
                    "or choose another directory."
                )

    def remove(self) -> None:
        """Remove every stamp, and every file that was made from them."""
        if self._path.exists():
            self._discard(self._made()[1])
            # First out of the way as a whole: half a removal is not to be taken for stamps.
            _remove(self._trash)
            self._path.rename(self._trash)
        _remove(self._trash)

    def remove_files(self) -> None:
        """Remove the files that were made from stamps, but not the stamps."""
        if names := self._made()[1]:
            self._note("", names)
            self._discard(names)
            self._note("", {})

    def new_parts(self) -> Path:
        """Make a folder for the parts of this run.

        Returns: its name sorts after those of earlier runs, and was never used before: a process that
        outlived its run must not write there.
        """
        for rest in (self._building, self._trash):
            _remove(rest)
        self._parts.mkdir(parents=True, exist_ok=True)
        earlier = [path for path in self._parts.iterdir() if not _is_removed(path)]
        number = max((int(path.name.partition("-")[0]) for path in earlier), default=0) + 1
        folder = self._parts / f"{number:06d}-{secrets.token_hex(4)}"
        folder.mkdir()
        return folder

    def parts(self) -> list[Path]:
        """Return the parts of all runs, the latest last."""
        return sorted(self._parts.glob("[0-9]*-*/*.arrow"))

    def start_building(self) -> Path:
        """Return an empty folder to make files in."""
        _remove(self._building)
        self._building.mkdir(parents=True)
        return self._building

    def files(self, source: str) -> tuple[str, ...] | None:
        """Return the files that are there, if they need not be made again.

        Returns: their names; `None` when they were made from something else, or somebody changed them.
        """
        earlier, names = self._made()
        if earlier != source or any(_sizes(self.outdir / name) != sizes for name, sizes in names.items()):
            return None
        return tuple(names)

    def commit(self, source: str) -> tuple[str, ...]:
        """Give what was built its final names.

        Whoever looks in between sees no mixture of old and new files. A run that is killed in between leaves
        files that the next one replaces.

        ``source``: what the files were made from.
        """
        new = {path.name: _sizes(path) for path in sorted(self._building.iterdir())}
        for path in (*self._building.rglob("*"), self._building):
            _sync(path)
        _, old = self._made()
        self._note("", {**old, **new})
        self._discard(old)
        for name in new:
            (self._building / name).replace(self.outdir / name)
        _sync(self.outdir)
        self._note(source, new)
        _remove(self._building)
        return tuple(new)

    def _discard(self, names: Iterable[str]) -> None:
        """Remove files from the directory, each in one step."""
        discarded = self._path / "discarded"
        _remove(discarded)
        discarded.mkdir()
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self.outdir / name).rename(discarded / name)
        _remove(discarded)

    def _made(self) -> tuple[str, dict[str, dict[str, int]]]:
        """Return what the files were made from, and the sizes of what each consists of."""
        try:
            state = json.loads((self._path / _STATE).read_text())
            if state["version"] == _VERSION:
                files = {name: dict(sizes) for name, sizes in state["files"].items()}
                return str(state["source"]), {n: s for n, s in files.items() if _OURS.fullmatch(n)}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            pass  # there is none, or none of ours
        return "", {}

    def _note(self, source: str, files: dict[str, dict[str, int]]) -> None:
        path = self._path / _STATE
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({"version": _VERSION, "source": source, "files": files}))
        _sync(partial)
        partial.replace(path)


def _is_removed(path: Path) -> bool:
    """Remove a folder that a run left empty, or whatever else is not a folder of parts."""
    if re.fullmatch(r"\d+-[0-9a-f]+", path.name) is None:
        return True
    try:
        path.rmdir()
    except OSError:
        return False
    return True


def _sizes(path: Path) -> dict[str, int]:
    """Return the size of a file, or of each file in a folder."""
    members: Iterable[Path] = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(p.relative_to(path)): p.stat().st_size for p in members if p.is_file()}


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there; of a link the link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file or the names in a folder would outlive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
