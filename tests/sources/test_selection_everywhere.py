"""The same selection from a table, from SQLite and from PostgreSQL, against brute force."""

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, Stratum, circle, polygon


@pytest.fixture(scope="module")
def sources(catalogue):
    """The sources that are not withdrawn, in the order of the work."""
    kept = catalogue[catalogue["timeWithdrawnMjdTai"].isna()]
    return kept.sort_values(["visit", "detector", "diaSourceId"], ignore_index=True)


def test_every_condition_selects_what_pandas_selects(sources, select):
    s = sources
    bad, dipole = s["pixelFlags_bad"], s["isDipole"].fillna(False)
    cases = {
        Selection(): s["ra"].notna(),
        Selection(reliability_min=0.3, reliability_max=0.6): s["reliability"].between(0.3, 0.6),
        Selection(snr_min=5): s["snr"].abs() >= 5,
        Selection(snr_min=2, snr_max=9): s["snr"].abs().between(2, 9),
        Selection(time_min=61000.25, time_max=61000.5): s["midpointMjdTai"].between(61000.25, 61000.5),
        Selection(bands=("r", "i")): s["band"].isin(["r", "i"]),
        Selection(visits=(2026010100002,)): s["visit"] == 2026010100002,
        Selection(detectors=(0, 5)): s["detector"].isin([0, 5]),
        Selection(excluded_flags=("pixelFlags_bad",)): ~bad,
        Selection(excluded_flags=("base_PixelFlags_flag_bad", "isDipole")): ~bad
        & ~s["isDipole"].fillna(True),
        Selection(required_flags=("isDipole",)): dipole,
        Selection(where="snr > 3 or psfFlux / snr < 0"): (s["snr"] > 3) | (s["psfFlux"] / s["snr"] < 0),
        Selection(where="diaObjectId is None"): s["diaObjectId"].isna(),
        Selection(ids=(2**61 + 3, 2**61 + 5, 7)): s["diaSourceId"].isin([2**61 + 3, 2**61 + 5]),
        Selection(object_ids=(3, 4), bands=("g",)): s["diaObjectId"].isin([3, 4]) & (s["band"] == "g"),
    }
    for selection, wanted in cases.items():
        found = select(selection)
        assert found == sources["diaSourceId"][wanted.fillna(False).astype(bool)].to_list(), selection
        assert len(found) > 0, selection


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [(0.2, 0.1, 0.4), (359.9, -0.5, 0.3), (-0.1, -0.5, 0.3), (10, 80, 90), (0, 0, 180)],
)
def test_circles_are_those_of_astropy(sources, select, ra, dec, radius):
    separation = SkyCoord(sources["ra"], sources["dec"], unit="deg").separation(SkyCoord(ra, dec, unit="deg"))
    wanted = sources["diaSourceId"][separation <= radius * u.deg].to_list()
    assert select(Selection(regions=(circle(ra, dec, radius),))) == wanted
    assert wanted


CORNERS = [(359.6, -0.8), (0.7, -0.6), (0.8, 0.5), (0.1, 0.9), (359.5, 0.3)]


SMALL = [(53.117, -28.108), (53.1408, -28.108), (53.1408, -28.0914), (53.1178, -28.0914)]


def test_small_polygons_are_convex_too():
    for shrink in (1, 10, 100, 1000):
        polygon([(53.117 + (ra - 53.117) / shrink, -28.1 + (dec + 28.1) / shrink) for ra, dec in SMALL])


@pytest.mark.parametrize("corners", [CORNERS, CORNERS[::-1], [*CORNERS, CORNERS[0]], CORNERS[:3]])
def test_polygons_are_those_of_sphgeom(sources, select, corners):
    from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

    region = ConvexPolygon([UnitVector3d(LonLat.fromDegrees(*corner)) for corner in corners])
    inside = region.contains(np.radians(sources["ra"].to_numpy()), np.radians(sources["dec"].to_numpy()))
    wanted = sources["diaSourceId"][inside].to_list()
    assert select(Selection(regions=(polygon(corners),))) == wanted
    assert 0 < len(wanted) < len(sources)


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (1, 0)],
        [(0, 0), (1, 0), (0, 0), (1, 1)],
        [(0, 0), (2, 0), (1, 0.2), (1, 2)],
        [(0, 0), (1, 0), (2, 0)],
        [(0, 0), (0, 100), (1, 1)],
    ],
)
def test_what_is_no_convex_polygon_is_refused(corners):
    with pytest.raises(CutoutsError):
        polygon(corners)


@pytest.mark.parametrize("arguments", [(0, 91, 1), (0, 0, 0), (0, 0, -1), (0, 0, 181), (float("nan"), 0, 1)])
def test_what_is_no_circle_is_refused(arguments):
    with pytest.raises(CutoutsError):
        circle(*arguments)


def test_one_source_of_each_object_is_the_one_of_greatest_signal_to_noise(sources, select):
    expected = []
    for identifier, group in sources.groupby(sources["diaObjectId"].fillna(-1)):
        if identifier in (-1, 0):  # sources of no object
            expected.extend(group["diaSourceId"])
            continue
        strength = group["snr"].abs().fillna(-1)
        expected.append(group["diaSourceId"][strength == strength.max()].min())
    found = select(Selection(one_per_object=True))
    assert sorted(found) == sorted(expected)
    assert found == sources["diaSourceId"][sources["diaSourceId"].isin(expected)].to_list()


def test_a_sample_is_random_repeatable_and_in_order(sources, select):
    first = select(Selection(sample=50, seed=1))
    assert first == select(Selection(sample=50, seed=1), page_rows=7)
    assert first == sources["diaSourceId"][sources["diaSourceId"].isin(first)].to_list()
    assert len(set(first)) == 50
    assert len(set(first) & set(select(Selection(sample=50, seed=2)))) < 25
    assert set(select(Selection(sample=20, seed=1))) < set(first)
    assert len(select(Selection(sample=10_000))) == len(sources)


def test_samples_are_drawn_evenly_from_all_sources(catalogues):
    drawn = [
        i for seed in range(200) for i in select_ids(catalogues["table"], Selection(sample=40, seed=seed))
    ]
    counts = pd.Series(drawn).value_counts()
    n = counts.size
    mean = 200 * 40 / n
    assert n > 370
    assert counts.std() == pytest.approx(np.sqrt(mean), rel=0.2)


def select_ids(table, selection):
    return selection.apply(table).column("diaSourceId").to_pylist()


@pytest.mark.parametrize(
    ("strata", "keys"),
    [
        ((Stratum("band"),), ["band"]),
        ((Stratum("detector"),), ["detector"]),
        ((Stratum("reliability", 10),), ["bin"]),
        ((Stratum("reliability", 4), Stratum("band")), ["bin", "band"]),
    ],
)
def test_strata_share_the_sample_evenly(sources, select, strata, keys):
    bins = next((s.bins for s in strata if s.bins), 1)
    table = sources.assign(
        bin=np.floor(sources["reliability"].astype(float) * bins).fillna(-1), band=sources["band"].fillna("")
    )
    for size in (40, 200):
        found = select(Selection(sample=size, strata=strata))
        sizes = table.groupby(keys).size()
        counts = (
            table[table["diaSourceId"].isin(found)].groupby(keys).size().reindex(sizes.index, fill_value=0)
        )
        assert counts.sum() == min(size, len(table))
        # Whoever has fewer than another has all that there are, or one fewer.
        assert ((counts == sizes) | (counts >= counts.max() - 1)).all()


def test_the_limit_comes_last(select):
    everything = select(Selection(sample=50, seed=3, bands=("r", "g")))
    assert select(Selection(sample=50, seed=3, bands=("r", "g"), limit=8)) == everything[:8]


def test_wrong_strata_are_refused():
    for column, bins in (("ra", None), ("reliability", None), ("band", 3), ("reliability", 0)):
        with pytest.raises(CutoutsError):
            Stratum(column, bins)
    with pytest.raises(CutoutsError, match="nothing to stratify"):
        Selection(strata=(Stratum("band"),))
