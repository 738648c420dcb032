"""Two directories against each other: every planted change is found, and nothing else."""

import numpy as np
import pyarrow as pa
import pytest
from matplotlib import colormaps
from tests.gallery.directories import fill, rows
from tests.gallery.waiting import wait_for

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.gallery import Items, PictureSet, Thresholds, match_sources, read_items
from lsst.analysis.ap.gallery._compare import compare_items
from lsst.analysis.ap.gallery._items import color_scales
from lsst.analysis.ap.gallery._page import write_page

ARCSECOND = 1 / 3600


def items(table, title="one"):
    return Items(title, table, (PictureSet(title, [None] * len(table), [None] * len(table)),))


def set_values(table, name, places, values):
    column = table.column(name).to_pylist()
    for place, value in zip(places, values, strict=True):
        column[place] = value
    index = table.column_names.index(name)
    return table.set_column(index, name, pa.array(column, table.schema.field(name).type))


def separation(a, b):
    """Distance in arcseconds by the haversine formula, one pair at a time."""
    ra, dec, other_ra, other_dec = np.radians([a["ra"], a["dec"], b["ra"], b["dec"]])
    h = (
        np.sin((other_dec - dec) / 2) ** 2
        + np.cos(dec) * np.cos(other_dec) * np.sin((other_ra - ra) / 2) ** 2
    )
    return np.degrees(2 * np.arcsin(np.sqrt(h))) * 3600


def match_by_hand(before, after, radius):
    """Take the closest pair, again and again."""
    left = [
        (separation(a, b), min(a["diaSourceId"], b["diaSourceId"]), i, j)
        for i, a in enumerate(before)
        for j, b in enumerate(after)
        if (a["visit"], a["detector"]) == (b["visit"], b["detector"]) and separation(a, b) <= radius
    ]
    pairs = set()
    while left:
        _, _, i, j = min(left)
        pairs.add((i, j))
        left = [each for each in left if each[2] != i and each[3] != j]
    return pairs


@pytest.mark.parametrize("seed", range(5))
def test_a_match_is_the_closest_first_within_a_detector(seed):
    rng = np.random.default_rng(seed)

    def crowd(number, first):
        """So many sources in so small a field that most have several neighbours, over the pole's meridian."""
        return pa.table(
            {
                "diaSourceId": np.arange(number) + first,
                "visit": rng.integers(1, 3, number),
                "detector": rng.integers(0, 2, number),
                "ra": (rng.uniform(-3, 3, number) * ARCSECOND) % 360,
                "dec": 60 + rng.uniform(-1, 1, number) * ARCSECOND,
            }
        )

    before, after = crowd(40, 1000), crowd(50, 5000)
    first, second, distance = match_sources(before, after, 0.8)
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    assert found == match_by_hand(before.to_pylist(), after.to_pylist(), 0.8)
    assert len(found) > 15
    ours = [
        separation(before.slice(i, 1).to_pylist()[0], after.slice(j, 1).to_pylist()[0])
        for i, j in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(distance, ours, rtol=1e-6)
    back, forth, _ = match_sources(after, before, 0.8)
    assert set(zip(forth.tolist(), back.tolist(), strict=True)) == found


def test_equal_distances_are_decided_the_same_way_round_and_back():
    before = pa.table(
        {"diaSourceId": [1, 2, 3], "visit": [1] * 3, "detector": [0] * 3, "ra": [10.0] * 3, "dec": [0.0] * 3}
    )
    after = pa.table(
        {"diaSourceId": [3, 9, 1], "visit": [1] * 3, "detector": [0] * 3, "ra": [10.0] * 3, "dec": [0.0] * 3}
    )
    a, b, _ = match_sources(before, after, 1)
    c, d, _ = match_sources(after, before, 1)
    assert set(zip(a.tolist(), b.tolist(), strict=True)) == set(zip(d.tolist(), c.tolist(), strict=True))
    assert len(a) == 3


def test_sources_without_a_position_match_nothing():
    table = rows(10)
    lame = set_values(table, "ra", [3], [float("nan")])
    first, second, _ = match_sources(lame, lame, 1)
    assert sorted(first) == [i for i in range(10) if i != 3]
    assert (first == second).all()


@pytest.fixture(scope="module")
def planted():
    """A run, another of the same images, and what became of each source."""
    before = rows(200, seed=8).append_column("psfFluxErr", pa.array(np.full(200, 0.5)))
    before = set_values(before, "reliability", range(200), [0.5] * 200)
    before = set_values(before, "psfFlux", range(200), [1.0] * 200)
    before = set_values(before, "isDipole", range(200), [False] * 200)
    groups = np.split(np.random.default_rng(1).permutation(200), [8, 20, 32, 44, 56])
    lost, shifted, brighter, doubted, dipoles, _ = groups
    after = set_values(
        before, "ra", shifted, [r + 0.4 * ARCSECOND for r in np.array(before.column("ra"))[shifted]]
    )
    after = set_values(after, "psfFlux", brighter, [2.0] * 12)
    after = set_values(after, "reliability", doubted, [0.2] * 12)
    after = set_values(after, "isDipole", dipoles, [True] * 12)
    # Another run numbers its sources anew, and finds them in another order.
    after = set_values(after, "diaSourceId", range(200), [10**6 + i for i in range(200)])
    after = after.take([i for i in np.random.default_rng(2).permutation(200) if i not in set(lost)])
    gained = rows(5, seed=9).append_column("psfFluxErr", pa.array(np.full(5, 0.5)))
    gained = set_values(gained, "diaSourceId", range(5), range(5))
    gained = set_values(gained, "ra", range(5), [200.0] * 5)
    expected = {2**61 + int(i): "lost" for i in lost} | dict.fromkeys(range(5), "gained")
    changed = np.concatenate([shifted, brighter, doubted, dipoles])
    expected |= {10**6 + int(i): "changed" if i in changed else "kept" for i in set(range(200)) - set(lost)}
    return before, pa.concat_tables([after, gained]), expected


def test_every_planted_change_is_found(planted):
    before, after, expected = planted
    compared = compare_items(items(before), items(after, "two"))
    found = compared.table.select(["diaSourceId", "status"]).to_pylist()
    assert {row["diaSourceId"]: row["status"] for row in found} == expected
    change = compared.table.column("change").to_pylist()
    assert change == sorted(change, reverse=True)
    by_name = dict(zip(compared.summary[0], compared.summary[1], strict=True))
    counts = {
        word: sum(status == word for status in expected.values())
        for word in ("lost", "gained", "changed", "kept")
    }
    assert {word: int(by_name[word]) for word in counts} == counts
    assert (int(by_name["before"]), int(by_name["after"])) == (len(before), len(after))
    flagged = [r["flags_changed"] for r in compared.table.to_pylist() if r["flags_changed"]]
    assert flagged == ["+DIPOLE"] * 12


def test_values_and_medians_are_those_of_a_plain_loop(planted):
    before, after, expected = planted
    after = set_values(after, "psfFluxErr", range(len(after)), [0.75] * len(after))
    compared = compare_items(items(before), items(after, "two"))
    old, new = ({row["diaSourceId"]: row for row in table.to_pylist()} for table in (before, after))
    shifts = []
    for row in compared.table.to_pylist():
        identifier = row["diaSourceId"]
        mine = (old if expected[identifier] == "lost" else new)[identifier]
        assert {name: row[name] for name in mine} == mine
        other = old.get(row["diaSourceId_before"])
        assert {name: row[f"{name}_before"] for name in ("ra", "psfFlux")} == {
            name: other and other[name] for name in ("ra", "psfFlux")
        }
        if expected[identifier] == "lost":
            assert row["change"] == pytest.approx(max(abs(mine["snr"]) / 5, 1))
        if expected[identifier] in ("lost", "gained"):
            assert row["shift"] is row["flux_change"] is row["reliability_change"] is None
            continue
        shifts.append((mine["band"], separation(mine, other)))
        assert row["shift"] == pytest.approx(shifts[-1][1], abs=1e-5)
        assert row["flux_change"] == pytest.approx(
            (mine["psfFlux"] - other["psfFlux"]) / np.sqrt((0.5**2 + 0.75**2) / 2)
        )
        assert row["reliability_change"] == pytest.approx(mine["reliability"] - other["reliability"])
    assert len(shifts) == 192
    header, *lines = compared.summary
    bands = {row["band"] for table in (old, new) for row in table.values()} - {None}
    assert [line[0] for line in lines] == ["all", *sorted(bands)]
    for line in lines:
        of = dict(zip(header, line, strict=True))
        chosen = [shift for (band, shift) in shifts if of["band"] in ("all", band)]
        assert float(of["median shift"]) == pytest.approx(np.median(chosen), rel=5e-3, abs=1e-6)
        found = [expected[i] for i in expected if of["band"] in ("all", (new.get(i) or old[i])["band"])]
        numbers = [found.count(word) for word in header[1:5]]
        assert [int(of[word]) for word in header[1:5]] == numbers
        assert int(of["before"]) == sum(numbers) - numbers[1]
        assert int(of["after"]) == sum(numbers) - numbers[0]


def test_exchanging_the_directories_exchanges_lost_and_gained_only(planted):
    before, after, _ = planted
    one = compare_items(items(before), items(after, "two")).table.to_pylist()
    other = compare_items(items(after, "two"), items(before)).table.to_pylist()
    exchanged = {"lost": "gained", "gained": "lost", "changed": "changed", "kept": "kept"}

    def key(row, turned):
        ids = row["diaSourceId"], row["diaSourceId_before"]
        status = row["status"]
        ids = {"lost": (None, ids[1]), "gained": (ids[0], None)}.get(status, ids)
        return (exchanged[status] if turned else status, ids[::-1] if turned else ids)

    assert {key(r, False): r["change"] for r in one} == {key(r, True): r["change"] for r in other}
    signs = {key(r, False): r["reliability_change"] for r in one}
    assert {k: v for k, v in signs.items() if v} == {
        key(r, True): -r["reliability_change"] for r in other if r["reliability_change"]
    }


def test_the_radius_is_a_choice(planted):
    before, after, _ = planted
    narrow = (
        compare_items(items(before), items(after), Thresholds(radius=0.2)).table.column("status").to_pylist()
    )
    assert narrow.count("lost") == 8 + 12  # those that moved are lost and gained now
    assert narrow.count("gained") == 5 + 12


def test_what_cannot_be_compared_is_named():
    with pytest.raises(CutoutsError, match="no column 'ra'"):
        compare_items(items(rows(3).drop_columns(["ra"])), items(rows(3)))
    with pytest.raises(CutoutsError, match="radius"):
        compare_items(items(rows(3)), items(rows(3)), Thresholds(radius=-1))


def test_columns_of_different_types_are_compared_by_their_digits():
    """A data frame turns identifiers into doubles where one is missing."""
    before = rows(5)
    numbers = [float(i) if i is not None else None for i in before.column("diaObjectId").to_pylist()]
    after = before.set_column(
        before.column_names.index("diaObjectId"), "diaObjectId", pa.array(numbers, pa.float64())
    )
    compared = compare_items(items(before), items(after)).table
    exact = {str(i) for i in before.column("diaObjectId").to_pylist() if i is not None}
    assert exact == {i for i in compared.column("diaObjectId_before").to_pylist() if i is not None}


STYLE = {"colorMap": "'bone'", "differenceColorMap": "None", "differenceSymmetric": "False", "asinhA": "0.1"}


@pytest.mark.parametrize("other", ["viridis", "unknown"])
def test_only_maps_that_grow_in_each_colour_can_be_turned_round(other):
    settings = STYLE | {"colorMap": repr(other), "differenceColorMap": "'bone'"}
    scales = color_scales(settings)
    assert list(scales) == ["difference"]
    levels = colormaps["bone"](np.arange(256), bytes=True)[:, :3]
    np.testing.assert_allclose(np.transpose(scales["difference"].map), levels, atol=1)
    assert list(color_scales(STYLE)) == ["template", "science", "difference"]
    assert list(color_scales(STYLE | {"differenceSymmetric": "True"})) == ["template", "science"]
    assert color_scales({}) == {}


@pytest.fixture(scope="module")
def compared_page(tmp_path_factory):
    """The page of two runs that show the same pixels between different limits."""
    from tests.gallery.directories import picture

    folder = tmp_path_factory.mktemp("compared")
    table = rows(6)
    intervals = {"one": "zscale", "two": "minmax"}
    for name, interval in intervals.items():
        style = {"difference_interval": interval, "image_interval": "minmax"}
        fill(folder / name, table, lambda number, style=style: picture(number, **style), STYLE)
    return write_page(compare_items(read_items(folder / "one"), read_items(folder / "two")), folder / "out")


def test_pictures_side_by_side_have_the_same_limits(open_page, compared_page):
    import io

    from PIL import Image

    def difference(page):
        wait_for(page, "[...document.querySelectorAll('.tile img')].every((image) => image.complete)")
        tile = page.locator(".tile").first
        shots = [tile.locator(".picture").nth(n).locator(".part").screenshot() for n in (0, 1)]
        images = [np.asarray(Image.open(io.BytesIO(s)).convert("L"), float)[30:-30, 30:-30] for s in shots]
        return np.abs(images[0] - images[1]).mean()

    page = open_page(compared_page, "show=difference&size=300")
    common = difference(page)
    page.keyboard.press("l")
    own = difference(page)
    assert own > 20
    assert common < 4  # levels of the wider limits are coarser


def test_a_comparison_keeps_nobody_out(open_page, compared_page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(compared_page)
    for key in (None, "Enter"):
        if key:
            page.keyboard.press(key)
        found = axe.run(page, options={"preload": False}).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in found] == []
    page.keyboard.press("x")
    assert page.locator(".part-name").inner_text().strip().lower() in ("two", "one")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Numbers").click()
    assert "lost" in page.locator("dialog.window").inner_text()
