"""Compare ways to make the arrays of a training set, in sources per second and core.

Makes detectors of three uncompressed FITS images each, the kind of file that
Cutana reads, registers them in a butler repository, and cuts the same sources
out of them:

- this package with ``pictures=False``, into zarr,
- this package with pictures, into zarr,
- ``Butler.get`` of a box for each stamp, in a loop, and one ``numpy.save``,
- Cutana (PyPI) into zarr, in an environment of its own, since its
  requirements are not ours.

Each way has a process of its own on one core of the machine. It works on few
sources and on many of the same images; the difference of the times is the
time for the difference of the numbers, so that start-up, imports and the
opening of files are left out for all alike. The best of some rounds counts.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np

ROLES = ("template_detector", "preliminary_visit_image", "difference_image")
INSTRUMENT = "Benchmark"
RUN = "benchmark"
BOXES_RUN = "boxes"


def make_images(root: Path, detectors: int, side: int) -> None:
    """Write the images, and register them in a repository.

    ``Butler.get`` reads boxes of files of lsst.images alone, so there are
    such files of the same pixels too, which no other way reads.
    """
    import astropy.units as u
    from astropy.io import fits
    from astropy.wcs import WCS
    from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset
    from lsst.images import Box, DetectorFrame, Image, MaskedImage, MaskPlane, MaskSchema, SkyProjection
    from lsst.images.fits import write

    Butler.makeRepo(str(root / "repo"))
    butler = Butler.from_config(str(root / "repo"), writeable=True, run=RUN)
    put = butler.registry.insertDimensionData
    put("instrument", {"name": INSTRUMENT, "class_name": "none"})
    put("physical_filter", {"instrument": INSTRUMENT, "name": "r", "band": "r"})
    put("day_obs", {"instrument": INSTRUMENT, "id": 20260101})
    visit = {"instrument": INSTRUMENT, "id": 1, "name": "1", "physical_filter": "r", "day_obs": 20260101}
    put("visit", visit)
    dimensions = butler.dimensions.conform(["instrument", "visit", "detector"])
    types = {role: DatasetType(role, dimensions, "MaskedImageV2") for role in ROLES}
    for kind in types.values():
        butler.registry.registerDatasetType(kind)
    butler.collections.register(BOXES_RUN, CollectionType.RUN)
    rng = np.random.default_rng(1)
    for detector in range(detectors):
        put("detector", {"instrument": INSTRUMENT, "id": detector, "full_name": str(detector)})
        wcs = WCS(naxis=2)
        wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [50.0 + detector, -28.0]
        wcs.wcs.crpix, wcs.wcs.cd = [side / 2, side / 2], np.array([[-0.2, 0.0], [0.0, 0.2]]) / 3600
        for role, kind in types.items():
            pixels = rng.normal(100, 30, (side, side)).astype(np.float32)
            header = wcs.to_header()
            header["BUNIT"] = "nJy"
            path = root / f"{role}_{detector}.fits"
            fits.PrimaryHDU(pixels, header).writeto(path)
            bbox = Box.from_shape((side, side))
            frame = DetectorFrame(instrument=INSTRUMENT, visit=1, detector=detector, bbox=bbox)
            image = MaskedImage(
                Image(pixels, bbox=bbox, unit=u.nJy),
                mask_schema=MaskSchema([MaskPlane("BAD", "Bad pixel.")]),
                sky_projection=SkyProjection.from_fits_wcs(wcs, frame, pixel_bounds=bbox),
            )
            archive = root / f"{role}_{detector}_lsst.fits"
            write(image, str(archive), compression_options=dict.fromkeys(("image", "mask", "variance")))
            data_id = butler.registry.expandDataId(instrument=INSTRUMENT, visit=1, detector=detector)
            for file, run in ((path, RUN), (archive, BOXES_RUN)):
                dataset = FileDataset(path=str(file), refs=[DatasetRef(kind, data_id, run=run)])
                butler.ingest(dataset, transfer="direct")


def sources_on(root: Path, detectors: int, side: int, size: int, count: int) -> Any:
    """Return a catalogue of random sources, some on each detector."""
    import pandas as pd
    from astropy.io import fits
    from astropy.wcs import WCS

    tables = []
    for detector in range(detectors):
        rng = np.random.default_rng([count, detector])
        x, y = rng.uniform(size, side - size, (2, count // detectors))
        wcs = WCS(fits.getheader(root / f"{ROLES[0]}_{detector}.fits"))
        ra, dec = wcs.all_pix2world(x, y, 0)
        ids = 10_000_000 * (detector + 1) + np.arange(len(x))
        table = pd.DataFrame({"diaSourceId": ids, "diaObjectId": ids, "ra": ra, "dec": dec})
        tables.append(
            table.assign(visit=1, detector=detector, band="r", reliability=rng.uniform(size=len(x)))
        )
    return pd.concat(tables, ignore_index=True)


def run_ours(root: Path, sources: Any, size: int, *, pictures: bool) -> None:
    """Run the task."""
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    config = ZooniverseCutoutsConfig()
    config.update(sizes=[size], writeStamps="zarr", pictures=pictures, instrument=INSTRUMENT)
    task = ZooniverseCutoutsTask(config, butler=Butler.from_config(str(root / "repo"), collections=RUN))
    with tempfile.TemporaryDirectory(dir=root) as outdir:
        result = task.run(sources, outdir, progress=False)
        assert len(result.written) == len(sources)


def run_boxes(root: Path, sources: Any, size: int) -> None:
    """Get the stamps one by one."""
    from astropy.io import fits
    from astropy.wcs import WCS
    from lsst.daf.butler import Butler
    from lsst.images import Box

    butler = Butler.from_config(str(root / "repo"), collections=BOXES_RUN)
    stamps = np.empty((len(sources), 3, size, size), np.float32)
    number = 0
    for detector, rows in sources.groupby("detector"):
        refs = [
            butler.find_dataset(role, instrument=INSTRUMENT, visit=1, detector=detector) for role in ROLES
        ]
        wcs = WCS(fits.getheader(root / f"{ROLES[0]}_{detector}.fits"))
        for x, y in zip(*wcs.all_world2pix(rows["ra"], rows["dec"], 0), strict=True):
            x0, y0 = (int(np.floor(center - size / 2 + 1)) for center in (x, y))
            box = Box.factory[y0 : y0 + size, x0 : x0 + size]
            for plane, ref in enumerate(refs):
                component = ref.makeComponentRef("image")
                stamps[number, plane] = butler.get(component, parameters={"bbox": box}).array
            number += 1
    with tempfile.TemporaryDirectory(dir=root) as outdir:
        np.save(f"{outdir}/stamps.npy", stamps)


def run_cutana(root: Path, sources: Any, size: int) -> None:
    """Run Cutana, as its documentation says, without a change of the pixels."""
    from cutana import Orchestrator, get_default_config

    outdir = Path(tempfile.mkdtemp(dir=root))
    files = [str([str(root / f"{role}_{d}.fits") for role in ROLES]) for d in sources["detector"]]
    catalogue = sources[["diaSourceId", "ra", "dec"]].set_axis(["SourceID", "RA", "Dec"], axis=1)
    catalogue.assign(diameter_pixel=size, fits_file_paths=files).to_csv(outdir / "sources.csv", index=False)
    config = get_default_config()
    config.source_catalogue = str(outdir / "sources.csv")
    config.output_dir = str(outdir / "cutouts")
    config.output_format = "zarr"
    config.target_resolution = size
    config.selected_extensions = [{"name": role, "ext": "PrimaryHDU"} for role in ROLES]
    config.channel_weights = {role: [float(role == other) for other in ROLES] for role in ROLES}
    config.apply_flux_conversion = False
    config.normalisation_method = "none"
    config.max_workers = 1
    config.process_threads = 1
    config.loadbalancer.skip_memory_calibration_wait = True
    result = Orchestrator(config).run()
    assert result["status"] == "completed", result
    shutil.rmtree(outdir)


def work(way: str, root: Path, numbers: list[int], arguments: argparse.Namespace) -> list[float]:
    """Return how long one way takes for each number of sources, once it is warm."""
    runs = {
        "stamps": lambda sources: run_ours(root, sources, arguments.size, pictures=False),
        "pictures": lambda sources: run_ours(root, sources, arguments.size, pictures=True),
        "boxes": lambda sources: run_boxes(root, sources, arguments.size),
        "cutana": lambda sources: run_cutana(root, sources, arguments.size),
    }
    tables = [sources_on(root, arguments.detectors, arguments.side, arguments.size, n) for n in numbers]
    times = []
    for table in (tables[0], *tables):
        start = time.perf_counter()
        runs[way](table)
        times.append(time.perf_counter() - start)
    return times[1:]


def measure(way: str, python: str, root: Path, count: int, arguments: argparse.Namespace) -> float:
    """Return the sources per second of one way, on one core, in one round."""
    few = max(count // 10, arguments.detectors)
    words = ["--work", way, "--root", str(root), "--numbers", f"{few},{count}", "--size", str(arguments.size)]
    words += ["--detectors", str(arguments.detectors), "--side", str(arguments.side)]
    environment = {
        name: value for name, value in os.environ.items() if way != "cutana" or name != "PYTHONPATH"
    }
    done = subprocess.run(
        [python, __file__, *words], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stdout}\n{done.stderr}")
    first, second = json.loads(done.stdout.splitlines()[-1])
    return (count - few) / (second - first)


def make_environment(root: Path) -> str:
    """Install Cutana where its requirements disturb nobody, and return the Python that has it."""
    venv.create(root / "cutana", with_pip=True)
    python = str(root / "cutana" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "cutana"], check=True)
    return python


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the ratios and the figures to this file")
    parser.add_argument("--sources", type=int, default=20_000, help="sources in all (default: %(default)s)")
    parser.add_argument("--detectors", type=int, default=4, help="triplets of images (default: %(default)s)")
    parser.add_argument("--side", type=int, default=4000, help="pixels of an image (default: %(default)s)")
    parser.add_argument("--size", type=int, default=51, help="pixels of a stamp (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds, the best counts (default: %(default)s)"
    )
    parser.add_argument("--cutana-python", metavar="PYTHON", help="a Python that has Cutana")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    parser.add_argument("--numbers", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.work:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        numbers = [int(number) for number in arguments.numbers.split(",")]
        print(json.dumps(work(arguments.work, Path(arguments.root), numbers, arguments)))
        return 0
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        root = Path(folder)
        cutana = arguments.cutana_python or make_environment(root)
        make_images(root, arguments.detectors, arguments.side)
        # The slow ways need fewer sources to be known as well.
        counts = {"stamps": 1.0, "cutana": 1.0, "pictures": 0.2, "boxes": 0.02}
        speeds = dict.fromkeys(counts, 0.0)
        for _ in range(arguments.rounds):
            for way, share in counts.items():
                python = cutana if way == "cutana" else sys.executable
                speed = measure(way, python, root, int(arguments.sources * share), arguments)
                speeds[way] = max(speeds[way], speed)
                print(f"{way:10s} {speed:8.0f} sources/s", flush=True)
    ratios = {
        "stamps_vs_pictures": speeds["stamps"] / speeds["pictures"],
        "vs_bbox_get": speeds["stamps"] / speeds["boxes"],
        "vs_cutana": speeds["stamps"] / speeds["cutana"],
    }
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        figures = {f"{way} [sources/s]": speed for way, speed in speeds.items()}
        Path(arguments.json).write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
