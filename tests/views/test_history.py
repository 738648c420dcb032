import io
import re
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from lsst.utils.plotting import get_multiband_plot_colors
from matplotlib.colors import to_hex
from PIL import Image

from lsst.analysis.ap import CutoutsError
from lsst.analysis.ap.views._history import _mean_position


@pytest.fixture(scope="module")
def busiest(demo):
    """The object with most sources, and what the database has of it."""
    with closing(sqlite3.connect(demo.apdb)) as db:
        ((identifier, count),) = db.execute(
            "SELECT diaObjectId, count(*) AS n FROM DiaSource WHERE diaObjectId > 0 "
            "GROUP BY diaObjectId ORDER BY n DESC, diaObjectId LIMIT 1"
        )
        forced = db.execute(
            "SELECT visit, detector FROM DiaForcedSource WHERE diaObjectId = ?", (identifier,)
        ).fetchall()
        places = db.execute(
            "SELECT visit, detector, psfFlux, midpointMjdTai, ra, dec FROM DiaSource WHERE diaObjectId = ?",
            (identifier,),
        ).fetchall()
    return identifier, count, set(forced) | {row[:2] for row in places}, places


def test_every_epoch_of_an_object_is_shown_and_measured(task, demo, busiest):
    identifier, count, epochs, places = busiest
    history = task.history(identifier, catalog=demo.apdb, limit=100)
    assert history.total == len(epochs)
    assert history.shown == history.total - len(history.failed)
    detected = sorted((m.mjd, m.flux) for m in history.measurements if not m.forced)
    assert detected == sorted((mjd, flux) for _, _, flux, mjd, *_ in places)
    assert len(detected) == count
    assert history._repr_png_().startswith(b"\x89PNG")


def test_a_few_of_many_epochs_are_shown_evenly(task, demo, busiest):
    history = task.history(np.int64(busiest[0]), catalog=demo.apdb, limit=1)
    assert (history.shown, history.total) == (1, len(busiest[2]))
    assert repr(history).startswith(f"1 of {len(busiest[2])} epochs")


@pytest.mark.parametrize("background", ["light", "dark"])
def test_bands_have_the_colours_of_the_pipelines_plots(annotated, demo, busiest, background):
    history = annotated(background=background).history(busiest[0], catalog=demo.apdb, limit=1)
    image = np.asarray(Image.open(io.BytesIO(history._repr_png_())).convert("RGB")).reshape(-1, 3)
    there = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.unique(image, axis=0).tolist()}
    bands = {m.band for m in history.measurements if not m.forced}
    of_bands, of_others = (
        {to_hex(get_multiband_plot_colors(dark_background=is_dark)[band]) for band in bands}
        for is_dark in (background == "dark", background != "dark")
    )
    assert of_bands <= there
    assert not (of_others - of_bands) & there


def test_a_light_curve_becomes_what_zooniverses_viewer_reads(task, demo, busiest):
    history = task.history(busiest[0], catalog=demo.apdb, limit=0)
    assert (history.shown, history.failed) == (0, [])
    data = history.to_json()
    points = [point for series in data["data"] for point in series["seriesData"]]
    assert len(points) == len(history.measurements)
    assert min(point["x"] for point in points) == 0.0
    assert {"x", "y", "y_error"} == set(points[0])
    # Its README wants a label of each series; colours may be hexadecimal.
    colors = {series["seriesOptions"]["label"]: series["seriesOptions"]["color"] for series in data["data"]}
    assert set(colors) == {f"{m.band} forced" if m.forced else m.band for m in history.measurements}
    assert all(re.fullmatch("#[0-9A-F]{6}", color) for color in colors.values())


def test_other_sources_are_marked_in_the_stamps_of_each_epoch(annotated, task, demo, busiest):
    """Stamps so large that other sources are on them; the object's own are no neighbours of itself."""
    marked = annotated(showNeighbours=["sources"], sizes=[200]).history(busiest[0], catalog=demo.apdb)
    own = {row[:2] for row in busiest[3]}
    assert any(epoch.triplet.neighbours for epoch in marked.epochs)
    for epoch in marked.epochs:
        (x, y) = epoch.triplet.position
        apart = [np.hypot(near.x - x, near.y - y) for near in epoch.triplet.neighbours]
        assert not own or min(apart, default=9.0) > 0.5


def test_an_object_can_be_named_by_its_place(task, demo, busiest):
    *_, ra, dec = busiest[3][0]
    assert task.history(position=(ra, dec), catalog=demo.apdb, limit=1).total >= 1
    with pytest.raises(CutoutsError, match="has no DiaSource of"):
        task.history(position=(ra, -dec + 1), catalog=demo.apdb)
    with pytest.raises(CutoutsError, match="Give one of"):
        task.history(5, position=(ra, dec), catalog=demo.apdb)


def test_the_mean_of_places_about_zero_is_no_place_on_the_other_side(sources):
    import pyarrow as pa

    table = pa.table({"ra": [359.9, 0.1], "dec": [10.0, 10.0]})
    ra, dec = _mean_position(table)
    assert min(ra, 360 - ra) == pytest.approx(0, abs=1e-9)
    assert dec == pytest.approx(10, abs=1e-3)
    assert np.isfinite(ra)
