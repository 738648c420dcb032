"""Making the whole demo: a sky, its images, its catalogue and its databases."""

__all__ = ("DemoPaths", "make_demo")

import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..domain import CutoutsError


@dataclass(frozen=True, slots=True)
class DemoPaths:
    """Where the demo is and how much there is of it."""

    repo: Path
    """The butler repository."""

    apdb: Path
    """The APDB, an SQLite file."""

    apdb_config: Path
    """The configuration of the APDB for `lsst.dax.apdb.Apdb.from_uri`."""

    collection: str
    """The RUN collection of the repository."""

    instrument: str
    """Name of the instrument."""

    visits: tuple[int, ...]
    """Visit IDs."""

    detectors: tuple[int, ...]
    """Detector IDs."""

    n_sources: int
    """Number of DiaSources."""

    n_objects: int
    """Number of DiaObjects."""


def make_demo(
    root: str | os.PathLike[str],
    *,
    seed: int = 20260110,
    size: int = 2000,
    visits: int = 2,
    detectors: int = 3,
    sources_per_detector: int = 45,
    overwrite: bool = False,
    report: Callable[[str], None] | None = None,
) -> DemoPaths:
    """Write a synthetic sky as a butler repository and an APDB.

    Parameters
    ----------
    root : `str` or `os.PathLike`
        Directory that gets ``repo/``, ``apdb.sqlite3`` and ``apdb.yaml``.
    seed : `int`, optional
        The same seed and numbers give the same pixels and the same rows.
    size : `int`, optional
        Pixels per side of a detector, at least 200.
    visits : `int`, optional
        Number of visits, three nights apart, in r and i by turns.
    detectors : `int`, optional
        Number of detectors.
    sources_per_detector : `int`, optional
        Number of changing sources put on each detector. What is detected
        depends on their brightness; artefacts come on top.
    overwrite : `bool`, optional
        Whether to replace what an earlier run made in ``root``.
    report : `~collections.abc.Callable`, optional
        Called with one line for each thing made.

    Returns
    -------
    paths : `DemoPaths`
        What was made and where.

    Raises
    ------
    lsst.analysis.ap.domain.CutoutsError
        Raised when there is a demo in ``root`` and ``overwrite`` is not set,
        and when a number is too small.
    """
    for name, value, least in (
        ("size", size, 200),
        ("visits", visits, 1),
        ("detectors", detectors, 1),
        ("sources_per_detector", sources_per_detector, 0),
    ):
        if value < least:
            raise CutoutsError(f"{name} is {value}; the demo needs at least {least}")
    root = Path(root)
    repo, apdb_path, apdb_config = root / "repo", root / "apdb.sqlite3", root / "apdb.yaml"
    _clear([repo, apdb_path, apdb_config], overwrite=overwrite)
    root.mkdir(parents=True, exist_ok=True)
    report = report or (lambda line: None)

    # These take seconds to import, which nobody should wait for who asks for help.
    import numpy as np

    from ._apdb import DemoApdb
    from ._associate import associate, mark_moving
    from ._camera import INSTRUMENT, make_layout, make_visits
    from ._images import make_images
    from ._measure import measure
    from ._repository import COLLECTION, DemoRepository
    from ._sky import make_sky

    rng = np.random.default_rng([seed, 0])
    visit_list, layout = make_visits(visits, size, rng), make_layout(detectors, size)
    sky = make_sky(visit_list, layout, sources_per_detector, rng)
    apdb = DemoApdb(apdb_path, apdb_config, INSTRUMENT)
    found: dict[tuple[int, int], list[dict[str, object]]] = {}
    # While one detector is compressed and written the next is drawn.
    with DemoRepository(repo, visit_list, layout) as repository, ThreadPoolExecutor(1) as writer:
        writing: Future[list[str]] | None = None
        for index, visit in enumerate(visit_list):
            for detector in layout:
                # One satellite in each visit, not always over the same detector.
                streak = detector.id == (index + 1) % detectors
                images = make_images(sky, visit, detector, streak=streak, seed=seed)
                rows = measure(images, np.random.default_rng([seed, visit.id, detector.id, 1]))
                mark_moving(rows, images.events, detector.x_start, detector.y_start)
                found[visit.id, detector.id] = rows
                if writing is not None:
                    writing.result()
                writing = writer.submit(repository.put_images, images)
                report(f"visit {visit.id} detector {detector.id}: 3 images, {len(rows)} DiaSources")
        if writing is not None:
            writing.result()
        every_row = [row for rows in found.values() for row in rows]
        objects = associate(every_row)
        for visit in visit_list:
            for detector in layout:
                table = apdb.diasource_table(found[visit.id, detector.id])
                repository.put_sources(table, visit, detector)
            apdb.store(
                visit.mjd_middle,
                [entry for entry in objects if entry["firstDiaSourceMjdTai"] == visit.mjd_middle],
                [row for detector in layout for row in found[visit.id, detector.id]],
            )
    report(f"repository {repo}: collection {COLLECTION}")
    report(f"APDB {apdb_path}: {len(every_row)} DiaSources of {len(objects)} DiaObjects")
    report(f"APDB configuration {apdb_config}")
    return DemoPaths(
        repo=repo,
        apdb=apdb_path,
        apdb_config=apdb_config,
        collection=COLLECTION,
        instrument=INSTRUMENT,
        visits=tuple(visit.id for visit in visit_list),
        detectors=tuple(detector.id for detector in layout),
        n_sources=len(every_row),
        n_objects=len(objects),
    )


def _clear(paths: list[Path], *, overwrite: bool) -> None:
    """Make room for the demo, or refuse to."""
    present = [path for path in paths if path.exists()]
    if present and not overwrite:
        raise CutoutsError(
            f"{present[0]} exists already; choose another directory or give overwrite (--overwrite)"
        )
    foreign = [path for path in present if path.is_dir() and not (path / "butler.yaml").exists()]
    if foreign:
        raise CutoutsError(f"{foreign[0]} is no butler repository, so it is not overwritten; move it away")
    for path in present:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
