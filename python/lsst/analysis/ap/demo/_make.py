"""Making the whole demo: a sky, its images, its catalogue and its databases."""

__all__ = ("make_demo",)

import importlib.util
import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..domain import CutoutsError
from ..messages import install_line
from ._paths import DemoPaths

_TABLES = ("apdb.sqlite3", "apdb.yaml", "truth.parquet")
_OTHER_TABLES = ("apdb-other.sqlite3", "apdb-other.yaml", "truth-other.parquet")


def make_demo(
    root: str | os.PathLike[str],
    *,
    seed: int = 20260110,
    size: int = 600,
    visits: int = 12,
    detectors: int = 2,
    sources_per_detector: int = 12,
    other_run: bool = False,
    overwrite: bool = False,
    report: Callable[[str], None] | None = None,
) -> DemoPaths:
    """Write a synthetic sky as a butler repository and an APDB.

    Parameters
    ----------
    root : `str` or `os.PathLike`
        Directory that gets ``repo/``, ``apdb.sqlite3``, ``apdb.yaml`` and ``truth.parquet``.
    seed : `int`, optional
        The same seed and numbers give the same pixels and the same rows.
    size : `int`, optional
        Pixels per side of a detector, at least 200.
    visits : `int`, optional
        Number of visits of the same field, two every fifth night, in r, i and g by turns.
    detectors : `int`, optional
        Number of detectors.
    sources_per_detector : `int`, optional
        Number of supernovae, variable stars and active nuclei on each detector. What is detected depends on
        their brightness; asteroids, injected sources and artefacts come on top.
    other_run : `bool`, optional
        Whether another version of the pipeline processes the same exposures
        too, into a collection, an APDB and a table of truth of its own.
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
        Raised when there is a demo in ``root`` and ``overwrite`` is not set, when a number is too small, and
        when GalSim or photutils is not installed.
    """
    for name, value, least, most in (
        ("seed", seed, 0, None),
        ("size", size, 200, 4000),
        ("visits", visits, 1, 1000),
        ("detectors", detectors, 1, 100),
        ("sources_per_detector", sources_per_detector, 0, 1000),
    ):
        if value < least:
            raise CutoutsError(f"{name} is {value}; the demo needs at least {least}")
        if most is not None and value > most:
            raise CutoutsError(f"{name} is {value}; the demo can have {most} at most")
    for name in ("galsim", "photutils"):
        if importlib.util.find_spec(name) is None:
            raise CutoutsError(f"The demo needs {name}, which is not installed: {install_line('demo')}")
    root, report = Path(root), report or (lambda line: None)
    _clear([root / name for name in ("repo", *_TABLES, *_OTHER_TABLES)], overwrite=overwrite)

    # These take seconds to import, which nobody should wait for who asks for help.
    import numpy as np

    from ._camera import Exposure, make_detectors, make_visits
    from ._databases import make_repository
    from ._images import expose
    from ._run import VERSIONS, Run
    from ._sky import make_sky

    rng = np.random.default_rng([seed, 0])
    visit_list, detector_list = make_visits(visits, size, rng), make_detectors(detectors, size)
    sky = make_sky(visit_list, detector_list, sources_per_detector, rng)
    root.mkdir(parents=True, exist_ok=True)
    with make_repository(root / "repo", visit_list, detector_list) as butler:
        runs = [Run(version, butler, root, seed) for version in VERSIONS[: 1 + other_run]]
        for (index, visit), detector in itertools.product(enumerate(visit_list), detector_list):
            # A satellite in every third visit, not always over the same detector.
            has_satellite = index % 3 == 0 and detector.id == (index // 3 + 1) % detectors
            raw = expose(Exposure(visit, detector), sky, seed, has_satellite=has_satellite)
            for run in runs:
                found = run.add(raw, sky)
                report(f"{run.collection}: visit {visit.id} detector {detector.id}, {found} DiaSources")
        demo, *others = [run.finish(visit_list, detector_list) for run in runs]
    for paths in (demo, *others):
        report(f"{paths.apdb}: {paths.n_sources} DiaSources of {paths.n_objects} DiaObjects")
    report(f"{demo.repo}: collections {', '.join(paths.collection for paths in (demo, *others))}")
    return replace(demo, other=others[0] if others else None)


def _clear(paths: list[Path], *, overwrite: bool) -> None:
    """Make room for the demo, or refuse to."""
    present = [path for path in paths if path.exists()]
    if present and not overwrite:
        raise CutoutsError(
            f"{present[0]} exists already; choose another directory, or give overwrite to replace it",
            choices=("overwrite",),
        )
    for path in present:
        if path.is_dir() and not (path / "butler.yaml").exists():
            raise CutoutsError(f"{path} is no butler repository, so it is not overwritten; move it away")
    for path in present:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
