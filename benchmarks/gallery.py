"""Compare the page of a gallery with a bare page that holds the same rows.

The bare page is what one would write first: the rows as objects in a script,
filtered and sorted by the two calls that JavaScript has for it, and nothing
shown. Both are opened from the disk in a real Chromium, in turn; times are
medians over rounds, and only ratios within one run mean anything.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from playwright.sync_api import Browser, sync_playwright

from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.gallery import Items, PictureSet
from lsst.analysis.ap.gallery._page import write_page
from lsst.analysis.ap.gallery._png_texts import read_picture_facts
from lsst.analysis.ap.render import PictureStyle, Renderer

FILES = 200
"""Distinct pictures; the rows share them."""

CONDITION = "snr > 5 and reliability > 0.5 and band in ('g', 'r') and not isDipole"
START = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
)

BARE = """<!doctype html><meta charset="utf-8"><title>bare</title><script src="rows.js"></script>
<script>window.ready = performance.now();</script>"""

DRAWN = """() => {
  const image = document.querySelector(".tile img");
  return Boolean(image && image.complete && Gallery.app);
}"""

CHANGE = """async (changes) => {
  const start = performance.now();
  Gallery.app.state.set(changes);
  const worked = performance.now() - start;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return [worked, performance.now() - start, Gallery.app.state.rows.length];
}"""

BARE_FILTER = """() => {
  const start = performance.now();
  const found = window.rows.filter((row) =>
    row.snr > 5 && row.reliability > 0.5 && ["g", "r"].includes(row.band) && !row.isDipole);
  return [performance.now() - start, found.length];
}"""

BARE_SORT = """() => {
  const start = performance.now();
  const found = [...window.rows].sort((a, b) => b.snr - a.snr);
  return [performance.now() - start, found.length];
}"""


def make_table(rows: int) -> pa.Table:
    """Return a catalogue of nineteen columns."""
    rng = np.random.default_rng(1)
    flux = rng.lognormal(6, 1, rows)
    return pa.table(
        {
            "diaSourceId": np.arange(rows) + 170_094_472_284_143_617,
            "visit": 2026011000000 + np.arange(rows) // 5000,
            "detector": (np.arange(rows) // 50 % 189).astype(np.int16),
            "diaObjectId": rng.integers(0, rows // 3 + 1, rows) + 170_094_472_000_000_000,
            "band": rng.choice(list("ugrizy"), rows),
            "ra": rng.uniform(50, 55, rows),
            "dec": rng.uniform(-30, -25, rows),
            "midpointMjdTai": 61000 + rng.random(rows) * 10,
            "x": rng.uniform(0, 4000, rows),
            "y": rng.uniform(0, 4000, rows),
            "snr": rng.lognormal(2.3, 0.6, rows).astype(np.float32),
            "psfFlux": flux.astype(np.float32),
            "psfFluxErr": (flux / 10).astype(np.float32),
            "apFlux": (flux * rng.normal(1, 0.1, rows)).astype(np.float32),
            "scienceFlux": (flux * 2).astype(np.float32),
            "reliability": rng.beta(0.4, 0.4, rows).astype(np.float32),
            "isDipole": rng.random(rows) < 0.1,
            "pixelFlags_bad": rng.random(rows) < 0.02,
            "pixelFlags_edge": rng.random(rows) < 0.02,
        }
    )


def make_pictures(folder: Path) -> list[Path]:
    """Draw some pictures."""
    rng = np.random.default_rng(2)
    renderer = Renderer(PictureStyle())
    paths = []
    for number in range(FILES):
        stamps = [Stamp(rng.normal(size=(30, 30)).astype(np.float32), Box(0, 30, 0, 30)) for _ in range(3)]
        paths.append(folder / f"{number}.png")
        paths[-1].write_bytes(renderer.render([Triplet(*stamps, np.eye(2) * 0.2)]))
    return paths


def write_bare(table: pa.Table, folder: Path) -> Path:
    """Write the rows as objects, identifiers as text."""
    rows = table.to_pylist()
    for row in rows:
        row |= {name: str(row[name]) for name in ("diaSourceId", "diaObjectId")}
    folder.mkdir()
    (folder / "rows.js").write_text(f"window.rows = {json.dumps(rows)};\n")
    (folder / "index.html").write_text(BARE)
    return folder / "index.html"


def memory(browser: Browser) -> float:
    """Return the resident memory of the processes that show pages, in MB."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    processes = [each["id"] for each in found["processInfo"] if each["type"] == "renderer"]
    texts = [Path(f"/proc/{number}/status").read_text() for number in processes]
    return sum(int(text.split("VmRSS:")[1].split()[0]) for text in texts) / 1e3


def measure_ours(browser: Browser, index: Path) -> dict[str, float]:
    """Open the page, filter and sort."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(index.as_uri(), wait_until="commit")
    page.wait_for_function(DRAWN, timeout=120_000)
    found = {"interactive": page.evaluate("performance.now()")}
    worked, shown, _ = page.evaluate(CHANGE, {"where": CONDITION})
    found |= {"filter": worked, "filter and draw": shown}
    page.evaluate(CHANGE, {"where": ""})
    worked, shown, _ = page.evaluate(CHANGE, {"sort": "snr", "descending": True})
    found |= {"sort": worked, "sort and draw": shown}
    worked, _, _ = page.evaluate(CHANGE, {"sort": "diaObjectId", "group": "diaObjectId"})
    found |= {"group": worked}
    found["memory"] = memory(browser)
    page.close()
    return found


def measure_bare(browser: Browser, index: Path) -> dict[str, float]:
    """Do the same in the bare page."""
    page = browser.new_page()
    page.goto(index.as_uri(), wait_until="commit")
    page.wait_for_function("window.ready > 0", timeout=120_000)
    found = {"interactive": page.evaluate("window.ready")}
    found["filter"], _ = page.evaluate(BARE_FILTER)
    found["sort"], _ = page.evaluate(BARE_SORT)
    found["memory"] = memory(browser)
    page.close()
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the ratios and the times to this file")
    parser.add_argument("--rows", type=int, default=100_000, help="number of pictures (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per median (default: %(default)s)")
    arguments = parser.parse_args(argv)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        parser.error("there is no chromium: install it, or name one in the variable CHROMIUM")
    table = make_table(arguments.rows)
    with tempfile.TemporaryDirectory(prefix="gallery-") as root:
        paths = make_pictures(Path(root))
        facts = [read_picture_facts(path) for path in paths]
        which = [row % FILES for row in range(arguments.rows)]
        pictures = PictureSet("pictures", [paths[n] for n in which], [facts[n] for n in which])
        ours = write_page(Items("benchmark", table, (pictures,)), Path(root) / "ours")
        bare = write_bare(table, Path(root) / "bare")
        sizes = {
            name: sum(path.stat().st_size for path in index.parent.rglob("*.js")) / 1e6
            for name, index in (("ours", ours), ("bare", bare))
        }
        rounds: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
        with sync_playwright() as running:
            for _ in range(arguments.rounds):
                for name, measure, index in (("ours", measure_ours, ours), ("bare", measure_bare, bare)):
                    browser = running.chromium.launch(executable_path=chromium, args=START)
                    rounds[name].append(measure(browser, index))
                    browser.close()
    times: dict[str, dict[str, Any]] = {
        name: {key: statistics.median(each[key] for each in found) for key in found[0]}
        for name, found in rounds.items()
    }
    ratios = {
        f"{key}_vs_bare": times["ours"][key] / times["bare"][key]
        for key in ("interactive", "filter", "sort", "memory")
    }
    figures: dict[str, float] = {}
    for name, found in times.items():
        for key, value in found.items():
            unit = "MB" if key == "memory" else "ms"
            figures[f"{name} {key} [{unit}]"] = value
            print(f"{name}: {key:16}{value:10.1f} {unit}")
        figures[f"{name} scripts [MB]"] = sizes[name]
        print(f"{name}: {'scripts':16}{sizes[name]:10.1f} MB")
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
