"""The hidden folder in which stamps wait, and how they come out of it whole."""

__all__ = ("FinalFiles", "StampFolder")

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_HIDDEN = ".stamps"
_STATE = "state.json"
CATALOGUE = "catalogue.parquet"


@dataclass(frozen=True)
class FinalFiles:
    """What stands under its final name."""

    format: str
    """Name of the format."""

    sizes: tuple[int, ...]
    """Sides of the stamps in pixels."""

    count: int
    """Number of sources."""

    files: tuple[str, ...]
    """Names in the directory of the run."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what `to_json` wrote down.

        Parameters
        ----------
        text : `str`
            What it returned.

        Returns
        -------
        final : `FinalFiles`
            An equal one.
        """
        values = json.loads(text)
        return cls(values["format"], tuple(values["sizes"]), values["count"], tuple(values["files"]))

    def to_json(self) -> str:
        """Return this as text."""
        return json.dumps(asdict(self))


class StampFolder:
    """The hidden folder ``.stamps`` of the directory of a run.

    ``spills/*/*.arrow`` are the stamps of batches, a folder for each run.
    ``building`` is what is being put together. It becomes ``ready`` when it
    is whole, in one step; from there its files go to their final names one
    after the other. `recover` takes up that work wherever it was cut off, so
    that an interruption is never noticed.

    Parameters
    ----------
    outdir : `pathlib.Path`
        Directory of the run.
    """

    def __init__(self, outdir: Path) -> None:
        self.outdir = outdir
        """Directory of the run."""
        self.path = outdir / _HIDDEN
        """The hidden folder."""
        self.building = self.path / "building"
        """Where to put files together."""
        self.catalogue = self.path / CATALOGUE
        """Catalogue of the stamps whose format does not keep one."""
        self._ready = self.path / "ready"
        self._spills = self.path / "spills"
        self._trash = self.path / "trash"
        self._state = self.path / _STATE

    @property
    def final(self) -> FinalFiles | None:
        """What stands under its final name; `None` when nothing does."""
        try:
            return FinalFiles.from_json(self._state.read_text())
        except FileNotFoundError:
            return None

    def remove(self) -> None:
        """Remove every stamp, those under their final name too."""
        self._finish()
        for name in () if (final := self.final) is None else final.files:
            self._discard(self.outdir / name)
        if self.path.exists():
            # First out of the way as a whole: half a removal is not to be taken for stamps.
            trash = self.outdir / f"{_HIDDEN}.trash"
            shutil.rmtree(trash, ignore_errors=True)
            self.path.rename(trash)
        shutil.rmtree(self.outdir / f"{_HIDDEN}.trash", ignore_errors=True)

    def recover(self) -> None:
        """Finish or forget what an earlier run left half done."""
        self._finish()
        for rest in (self.building, self._trash, self.outdir / f"{_HIDDEN}.trash"):
            shutil.rmtree(rest, ignore_errors=True)

    def new_spills(self) -> Path:
        """Make a folder for the stamps of this run.

        The folders of earlier runs get other names, so that a process that
        outlived its run cannot write there any more.

        Returns
        -------
        folder : `pathlib.Path`
            Its name sorts after those of earlier runs.
        """
        self._spills.mkdir(parents=True, exist_ok=True)
        for earlier in self._spills.iterdir():
            if not earlier.suffix:
                earlier.rename(earlier.with_suffix(".closed"))
        folder = self._spills / f"{time.time_ns():020d}"
        folder.mkdir()
        return folder

    def spills(self) -> list[Path]:
        """Return the stamps of batches, the earliest first."""
        return sorted(self._spills.glob("*/*.arrow"))

    def clear_spills(self) -> None:
        """Remove the stamps of batches."""
        self._discard(self._spills)

    def start_building(self) -> Path:
        """Return an empty folder to put files together in."""
        shutil.rmtree(self.building, ignore_errors=True)
        self.building.mkdir(parents=True)
        return self.building

    def commit(self, final: FinalFiles) -> None:
        """Give what was built its final names, and remove what it replaces.

        Parameters
        ----------
        final : `FinalFiles`
            What was built.
        """
        (self.building / _STATE).write_text(final.to_json())
        for path in (*self.building.rglob("*"), self.building):
            _sync(path)
        self.building.rename(self._ready)
        _sync(self.path)
        self._finish()

    def _finish(self) -> None:
        """Bring what is ready to its final names; it may have begun before."""
        if not self._ready.exists():
            return
        if (state := self._ready / _STATE).exists():
            final = FinalFiles.from_json(state.read_text())
            for path in sorted(self._ready.iterdir()):
                if path.name == CATALOGUE:
                    path.replace(self.catalogue)
                elif path != state:
                    self._replace(path, self.outdir / path.name)
            if (earlier := self.final) is not None:
                for name in earlier.files:
                    if name not in final.files:
                        self._discard(self.outdir / name)
            _sync(self.outdir)
            state.replace(self._state)
        self.clear_spills()
        self._ready.rmdir()
        shutil.rmtree(self._trash, ignore_errors=True)

    def _replace(self, path: Path, target: Path) -> None:
        if target.is_dir():
            self._discard(target)
        path.replace(target)

    def _discard(self, path: Path) -> None:
        """Let a file or a folder vanish in one step."""
        if not path.exists():
            return
        shutil.rmtree(self._trash, ignore_errors=True)
        self._trash.mkdir(parents=True)
        path.rename(self._trash / path.name)
        shutil.rmtree(self._trash, ignore_errors=True)


def _sync(path: Path) -> None:
    """Wait until a file or the names in a folder would outlive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
