"""The page as a person meets it, in a real browser, from a disk."""

import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from tests.gallery.directories import fill, picture, rows
from tests.gallery.waiting import wait_for

from lsst.analysis.ap.gallery import read_items
from lsst.analysis.ap.gallery._page import write_page


def ids(page):
    """The identifiers that the page shows, in order."""
    return page.evaluate("Array.from(Gallery.app.state.rows, (row) => Gallery.data.id(row))")


def values(table, name):
    return dict(
        zip(map(str, table.column("diaSourceId").to_pylist()), table.column(name).to_pylist(), strict=True)
    )


def current(page):
    return page.evaluate("Gallery.data.id(Gallery.app.state.current)")


def exported(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "labels.csv"
    return download.value.path().read_text()


def test_every_picture_is_there_and_only_those_in_sight_are_drawn(open_page, index, catalogue):
    page = open_page(index)
    assert ids(page) == [
        str(i)
        for i in sorted(
            catalogue.column("diaSourceId").to_pylist(),
            key=lambda i: (values(catalogue, "visit")[str(i)], values(catalogue, "detector")[str(i)], i),
        )
    ]
    drawn = page.locator(".tile").count()
    assert 4 < drawn < 60
    wait_for(page, "[...document.querySelectorAll('.tile img')].every((image) => image.complete)")
    widths = page.evaluate("[...document.querySelectorAll('.tile img')].map((image) => image.naturalWidth)")
    assert set(widths) == {670}
    page.keyboard.press("End")
    page.locator("[aria-posinset='60']").wait_for(state="attached")
    assert page.locator("[aria-posinset='1']").count() == 0


@pytest.mark.parametrize("style", [{}, {"add_metadata": True}, {"panel_pixels": 90, "background": "dark"}])
def test_a_panel_is_shown_without_what_is_around_it(open_page, tmp_path, style):
    folder = fill(tmp_path / "pictures", rows(1), lambda number: picture(number, **style))
    page = open_page(write_page(read_items(folder), tmp_path / "out"), "show=difference&size=210")
    wait_for(page, "document.querySelector('.tile img').complete")
    shot = page.locator(".tile .part").screenshot()
    from PIL import Image

    shown = Image.open(io.BytesIO(shot)).convert("RGB")
    whole = Image.open(folder / f"{2**61}.png").convert("RGB")
    left, top, width, height = read_items(folder).pictures[0].facts[0].panels["difference"]
    panel = whole.crop((left, top, left + width, top + height)).resize(shown.size)
    # Corners are rounded, and the browser scales by fractions of a pixel.
    inner = (10, 10, shown.width - 10, shown.height - 10)
    difference = np.abs(np.asarray(shown.crop(inner), float) - np.asarray(panel.crop(inner), float))
    assert difference.mean() < 12
    assert np.asarray(panel.crop(inner), float).std() > 30  # else anything would look alike


def test_labels_survive_a_reload_and_export_exactly_what_was_pressed(open_page, index):
    page = open_page(index)
    order = ids(page)
    pressed = ["r", "b", "u", "b", "r", "r"]
    for key in pressed:
        page.keyboard.press(key)
    assert current(page) == order[6]
    page.keyboard.press("z")  # takes back the last
    assert current(page) == order[5]
    page.reload()
    wait_for(page, "Gallery.app !== undefined")
    lines = list(csv.DictReader(io.StringIO(exported(page))))
    words = {"r": "real", "b": "bogus", "u": "unsure"}
    assert {line["diaSourceId"]: line["label"] for line in lines} == {
        identifier: words[key] for identifier, key in zip(order[:5], pressed[:5], strict=True)
    }
    assert {line["who"] for line in lines} == {"me"}
    assert all(line["when"].endswith("Z") and len(line["when"]) == 24 for line in lines)


def test_the_exported_labels_are_a_catalogue(open_page, index, catalogue, tmp_path):
    from lsst.analysis.ap.sources import Selection, open_catalog

    page = open_page(index)
    page.keyboard.press("r")
    (tmp_path / "labels.csv").write_text(exported(page))
    (table,) = open_catalog(tmp_path / "labels.csv").read(Selection())
    (row,) = table.to_pylist()
    identifier = str(row["diaSourceId"])
    assert {name: row[name] for name in ("visit", "detector", "ra", "dec")} == {
        name: values(catalogue, name)[identifier] for name in ("visit", "detector", "ra", "dec")
    }
    assert row["label"] == "real"


def test_the_next_unlabelled_picture_is_found_round_the_end(open_page, index):
    page = open_page(index)
    order = ids(page)
    page.keyboard.press("r")
    page.keyboard.press("End")
    page.keyboard.press("b")  # stays, since it is the last
    page.keyboard.press("n")
    assert current(page) == order[1]


def test_two_tabs_keep_each_others_labels(open_page, index):
    first = open_page(index)
    second = open_page(index, context=first.context)
    order = ids(first)
    first.keyboard.press("r")
    wait_for(second, "Gallery.app.labels.countOf('me') === 1")
    second.keyboard.press("End")
    second.keyboard.press("b")
    first.reload()
    wait_for(first, "Gallery.app !== undefined")
    lines = csv.DictReader(io.StringIO(exported(first)))
    assert {line["diaSourceId"]: line["label"] for line in lines} == {order[0]: "real", order[-1]: "bogus"}


def cohen(pairs):
    """Cohen's kappa, straight from its definition."""
    words = sorted({word for pair in pairs for word in pair})
    observed = np.mean([a == b for a, b in pairs])
    chance = sum(np.mean([a == w for a, _ in pairs]) * np.mean([b == w for _, b in pairs]) for w in words)
    return (observed - chance) / (1 - chance)


def test_two_people_are_compared(open_page, index, tmp_path):
    page = open_page(index)
    order = ids(page)
    mine = "rrbbrubbrr"
    theirs = "rbbbrurbrr"
    for key in mine:
        page.keyboard.press(key)
    words = {"r": "real", "b": "bogus", "u": "unsure"}
    lines = ["diaSourceId,label,who,when"]
    lines += [f'{i},{words[k]},"An, na",2026-11-01T00:00:00Z' for i, k in zip(order, theirs, strict=False)]
    (tmp_path / "theirs.csv").write_text("\r\n".join(lines))
    page.locator("input[type=file]").set_input_files(tmp_path / "theirs.csv")
    wait_for(page, "Gallery.app.labels.countOf('An, na') === 10")
    page.get_by_role("button", name="Agreement").click()
    expected = cohen([(words[a], words[b]) for a, b in zip(mine, theirs, strict=True)])
    assert f"Cohen's kappa: {expected:.3f}" in page.locator(".kappa").inner_text()
    page.get_by_role("button", name="Show where they differ").click()
    assert ids(page) == [order[1], order[6]]
    assert "An, na: bogus" in page.locator(".tile").first.inner_text()
    # What comes out goes in again, and says the same.
    text = exported(page)
    (tmp_path / "all.csv").write_text(text)
    page.evaluate("localStorage.clear()")
    page.reload()
    wait_for(page, "Gallery.app !== undefined")
    page.locator("input[type=file]").set_input_files(tmp_path / "all.csv")
    wait_for(page, "Gallery.app.labels.countOf('me') === 10")
    assert exported(page) == text


def test_a_file_without_labels_is_refused_in_words(open_page, index, tmp_path):
    page = open_page(index)
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    page.locator("input[type=file]").set_input_files(tmp_path / "no.csv")
    page.wait_for_selector(".message:not([hidden])")
    assert "needs columns diaSourceId and label" in page.locator(".message").inner_text()


def test_words_and_keys_are_a_choice(open_page, index):
    page = open_page(index)
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Another word").click()
    fields = page.locator(".word-line").last.locator("input")
    fields.nth(0).fill("star, or so")
    fields.nth(1).fill("n")
    page.get_by_role("button", name="Save").click()
    assert "does something else already" in page.locator(".window .error").inner_text()
    fields.nth(1).fill("s")
    page.get_by_role("button", name="Save").click()
    page.locator(".tiles").focus()
    page.keyboard.press("s")
    page.reload()
    wait_for(page, "Gallery.app !== undefined")
    (line,) = csv.DictReader(io.StringIO(exported(page)))
    assert line["label"] == "star, or so"


def test_the_words_may_be_given_when_the_page_is_made(open_page, directory, tmp_path):
    for words in ((("transient", "t"), ("other", "o")), (("variable", "t"), ("other", "o"))):
        out = write_page(read_items(directory), tmp_path / "out", labels=words)
        page = open_page(out)
        page.evaluate("Gallery.app.settings.set({ words: [{ word: 'mine', key: 'm' }] })")
        page.keyboard.press("m")
        page.evaluate("Gallery.app.settings.set({ words: Gallery.app.settings.given })")
        page.keyboard.press("t")
        labels = [line["label"] for line in csv.DictReader(io.StringIO(exported(page)))]
        assert labels == ["mine", words[0][0]]


NASTY = "<img src=x onerror=\"document.title='hacked'\"></script><script>document.title='hacked'</script>"
NAMES = ["<script>alert(1)</script>", "__proto__", "constructor", NASTY, "a&lt;b", "\u2028 ` ${1}"]


def test_names_and_values_of_a_catalogue_are_text(open_page, write):
    table = rows(8)
    for name in NAMES:
        texts = pa.array([NASTY, name, "</script>", "${1}`", "\u2028\\", "", None, "plain"])
        table = table.append_column(name, texts)
    page = open_page(write(table.set_column(9, "band", texts)))
    assert page.evaluate("document.querySelectorAll('img[src=x], script:not([src])').length") == 0
    for name in NAMES:
        page.get_by_label("Filter by another column").select_option(label=name)
        facet = page.locator(".facet").last
        assert facet.locator("summary span").first.text_content() == name
        assert NASTY in facet.inner_text()
        facet.get_by_label("plain").check()
        assert len(ids(page)) == 1
        page.evaluate("Gallery.app.state.clear()")
        page.get_by_label("Sort").select_option(label=name)
        assert page.evaluate(f"Gallery.data.table.find({name!r}).name") == name
    page.locator(".tiles").focus()
    page.keyboard.press("Enter")
    shown = page.locator(".row-table tr th").all_text_contents()
    assert set(NAMES) < set(shown)
    assert page.title() == "pictures"


def test_identifiers_keep_all_their_digits(open_page, index):
    page = open_page(index)
    page.get_by_label("Condition").fill(f"diaSourceId in ({2**61 + 7}, {2**61 + 8})")
    page.keyboard.press("Enter")
    assert sorted(ids(page)) == [str(2**61 + 7), str(2**61 + 8)]


def test_a_wrong_condition_is_explained_and_changes_nothing(open_page, index):
    page = open_page(index, "where=snr+%3E+0")
    before = ids(page)
    page.get_by_label("Condition").fill("snr > and")
    page.keyboard.press("Enter")
    error = page.locator(".bar .error:not(:empty)")
    error.wait_for()  # the page shows it with its next frame
    assert "This is no condition" in error.inner_text()
    assert ids(page) == before


def test_facets_filter_and_count_what_the_others_leave(open_page, index, catalogue):
    page = open_page(index)
    page.get_by_label("least reliability").fill("0.5")
    page.keyboard.press("Enter")
    reliability, band = values(catalogue, "reliability"), values(catalogue, "band")
    assert set(ids(page)) == {i for i, r in reliability.items() if r is not None and r >= 0.5}
    facet = page.locator(".facet", has=page.locator("summary", has_text="band"))
    facet.get_by_label("g", exact=False).first.check()
    assert set(ids(page)) == {i for i in reliability if (reliability[i] or 0) >= 0.5 and band[i] == "g"}
    numbers = {
        line.split("\n")[0]: int(line.split("\n")[-1])
        for line in facet.locator("label.value").all_inner_texts()
    }
    assert numbers["r"] == sum((reliability[i] or 0) >= 0.5 and band[i] == "r" for i in reliability)


def test_a_brush_on_a_histogram_filters(open_page, index, catalogue):
    page = open_page(index)
    box = (
        page.locator(".facet", has=page.locator("summary", has_text="reliability"))
        .locator("svg")
        .bounding_box()
    )
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 20, y, steps=5)
    page.mouse.up()
    low = float(page.get_by_label("least reliability").input_value())
    known = {i: r for i, r in values(catalogue, "reliability").items() if r is not None}
    assert low == pytest.approx((min(known.values()) + max(known.values())) / 2, abs=0.03)
    assert set(ids(page)) == {i for i, r in known.items() if r >= low}


@pytest.mark.parametrize(
    ("low", "high"),
    [(53.051, 53.158), (-28.119, -28.02), (61050.1889, 61050.3), (2.02e12, 2.02e12 + 90), (-3, 2000)],
)
def test_numbers_that_differ_little_are_told_apart(open_page, index, low, high):
    page = open_page(index)
    numbers = [low + (high - low) * part / 40 for part in range(41)]
    page.evaluate("numbers => { window.scale = new Gallery.Scale(numbers); }", numbers)
    ticks = [float(text) for _, text in page.evaluate("scale.ticks(3)")]
    assert ticks == pytest.approx([low, (low + high) / 2, high], rel=0, abs=(high - low) / 10)
    for part in (0.1, 1 / 3, 0.98):
        found = page.evaluate("part => scale.rounded(part)", part)
        assert found == pytest.approx(low + part * (high - low), rel=0, abs=(high - low) / 300)
        assert len(repr(found).replace(".0", "")) < 16


def test_flags_filter_by_their_words(open_page, index, catalogue):
    page = open_page(index)
    page.get_by_label("flag BAD").select_option("yes")
    page.get_by_label("flag DIPOLE").select_option("no")
    bad, dipole = values(catalogue, "pixelFlags_bad"), values(catalogue, "isDipole")
    assert set(ids(page)) == {i for i in bad if bad[i] and not dipole[i]}


def test_rows_are_sorted_with_what_has_no_value_last(open_page, index, catalogue):
    page = open_page(index)
    for name in ("snr", "band", "diaSourceId", "isDipole", "diaObjectId"):
        for descending in (False, True):
            page.evaluate(
                "(choice) => Gallery.app.state.set(choice)", {"sort": name, "descending": descending}
            )
            order = ids(page)
            of = values(catalogue, name)
            known = [of[i] for i in order if of[i] is not None]
            assert known == sorted(known, reverse=descending)
            assert all(of[i] is None for i in order[len(known) :])


def test_a_random_order_depends_on_its_seed_alone(open_page, index, write):
    orders = [ids(open_page(index, f"sort=random&seed={seed}")) for seed in (1, 2, 1)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
    fewer = ids(open_page(write(rows(30)), "sort=random&seed=1"))
    assert fewer == [i for i in orders[0] if i in fewer]


def test_groups_stand_together(open_page, index, catalogue):
    page = open_page(index, "group=diaObjectId&sort=-snr")
    of = values(catalogue, "diaObjectId")
    groups = [of[i] for i in ids(page)]
    starts = [a for a, b in zip(groups, [object(), *groups], strict=False) if a != b]
    assert len(starts) == len(set(groups))
    assert page.locator(".heading").first.inner_text().startswith(f"diaObjectId {groups[0]}")
    page.keyboard.press("ArrowDown")
    assert page.locator("[aria-selected=true]").count() == 1


def test_a_link_brings_back_what_was_seen(open_page, index):
    page = open_page(index)
    page.get_by_label("Condition").fill("snr > -5")
    page.keyboard.press("Enter")
    page.get_by_label("least reliability").fill("0.25")
    page.keyboard.press("Enter")
    page.get_by_label("flag BAD").select_option("no")
    page.get_by_label("Sort").select_option("psfFlux")
    page.locator(".turn").click()
    page.locator(".tiles").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    again = open_page(index, page.evaluate("location.hash.slice(1)"))
    assert ids(again) == ids(page)
    assert current(again) == current(page) != ids(page)[0]
    assert again.get_by_label("Condition").input_value() == "snr > -5"


def test_what_a_link_cannot_mean_is_left_out(open_page, index):
    page = open_page(
        index,
        "where=%00&f:snr=a~b&f:nothing=1~2&f:band=%E0%A4%A&sort=nothing&at=5&size=x&flags=!,&group=toString",
    )
    assert len(ids(page)) == 60


def test_the_large_view_shows_the_row_and_blinks(open_page, index, catalogue):
    page = open_page(index)
    page.keyboard.press("Enter")
    first = current(page)
    cells = dict(line.split("\t")[:2] for line in page.locator(".row-table tbody tr").all_inner_texts())
    for name in ("diaSourceId", "visit", "ra", "band", "diaObjectId"):
        value = values(catalogue, name)[first]
        assert cells[name] == ("" if value is None else str(value))
    assert np.float32(cells["snr"]) == np.float32(values(catalogue, "snr")[first])
    assert "difference" in page.locator(".limits").inner_text()
    seen = []
    for _ in range(4):
        page.keyboard.press(" ")
        seen.append(page.locator(".part-name").inner_text().lower())
    assert seen == ["template", "science", "difference", "template"]
    page.keyboard.press("ArrowRight")
    assert current(page) == ids(page)[1]
    page.keyboard.press("b")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.large", state="hidden")
    assert page.evaluate("Gallery.app.labels.countOf('me')") == 1
    page.keyboard.press("ArrowRight")  # the list has the keys again
    assert current(page) == ids(page)[3]


def test_plots_select_pictures(open_page, index, catalogue):
    page = open_page(index, "plots=1")
    canvas = page.locator("canvas").first
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 62, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], box["y"] + 8 + (box["height"] - 34) / 2, steps=4)
    page.mouse.up()
    low = page.evaluate("Gallery.app.state.facets.get('f:reliability').low")
    known = {i: r for i, r in values(catalogue, "reliability").items() if r is not None}
    snr = values(catalogue, "snr")
    assert 0.3 < low < 0.7
    assert set(ids(page)) == {i for i, r in known.items() if r >= low and snr[i] is not None}
    page.locator(".plot svg .touch").first.click()
    assert {values(catalogue, "visit")[i] for i in ids(page)} == {2026010100001}


def test_everything_can_be_done_without_a_mouse(open_page, index):
    page = open_page(index)
    page.keyboard.press("f")
    page.keyboard.type("snr > 0")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "listbox"
    active = page.locator(".tiles").get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    assert "reliability" in page.locator(f"#{active}").get_attribute("aria-label")
    page.keyboard.press("p")
    assert page.locator(".plots").is_visible()
    page.keyboard.press("?")
    assert page.locator("dialog.window").is_visible()
    page.keyboard.press("Escape")
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.textContent || document.activeElement.getAttribute('aria-label')"
            )
        )
    assert {"Export", "Import", "Agreement", "Settings", "Undo", "Next unlabelled"} <= reached


VIEWS = {
    "grid": ("", None),
    "plots": ("plots=1&group=visit", None),
    "large": ("open=1", " "),
    "keys": ("", "?"),
    "empty": ("where=snr+%3E+1e9", None),
    "labelled, and a wrong condition": ("where=snr+%3E", "r"),
}


@pytest.mark.parametrize(
    ("scheme", "width", "views"),
    [("light", 1200, VIEWS), ("dark", 360, ("large", "labelled, and a wrong condition"))],
)
def test_nothing_keeps_anybody_out(open_page, index, scheme, width, views):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(index, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 740})
    for name in views:
        fragment, key = VIEWS[name]
        page.goto(index.as_uri() + "#" + fragment)
        page.reload()
        wait_for(page, "Gallery.app !== undefined")
        if key:
            page.keyboard.press(key)
        found = axe.run(page, options={"preload": False}).response["violations"]
        wrong = [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in found]
        assert (name, wrong) == (name, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_may_load_and_run_nothing_else(open_page, index):
    page = open_page(index)
    tried = page.evaluate(
        """async () => {
          const found = {};
          const attempt = async (name, act) => {
            try { await act(); found[name] = "done"; } catch { found[name] = "refused"; }
          };
          await attempt("markup", () => { document.body.innerHTML += "<b>x</b>"; });
          await attempt("script", () => { document.createElement("script").src = "x.js"; });
          return found;
        }"""
    )
    assert tried == {"markup": "refused", "script": "refused"}
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
