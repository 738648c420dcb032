import base64
import re

import astropy.table
import pyarrow as pa
import pytest

from lsst.analysis.ap import CutoutsError, ZooniverseCutoutsTask


def pictures(grid):
    """What a notebook would show of a grid: the bytes of its images."""
    return [base64.b64decode(data) for data in re.findall(r'base64,([^"]+)"', grid._repr_html_())]


@pytest.fixture(scope="module")
def arrow(sources):
    return pa.Table.from_pandas(sources, preserve_index=False)


@pytest.fixture(scope="module")
def expected(task, sources):
    return task.render(sources.iloc[2:3])


FORMS = {
    "slice of a frame": lambda frame, arrow: frame.iloc[2:3],
    "indexed frame": lambda frame, arrow: frame.set_index("diaSourceId").iloc[2:3],
    "series of an indexed frame": lambda frame, arrow: frame.set_index("diaSourceId").iloc[2],
    "itertuples": lambda frame, arrow: list(frame.itertuples())[2],
    "itertuples of an indexed frame": lambda frame, arrow: list(frame.set_index("diaSourceId").itertuples())[
        2
    ],
    "mapping": lambda frame, arrow: arrow.to_pylist()[2],
    "arrow": lambda frame, arrow: arrow.slice(2, 1),
    "batch": lambda frame, arrow: arrow.slice(2, 1).combine_chunks().to_batches()[0],
    "astropy": lambda frame, arrow: astropy.table.Table.from_pandas(frame)[2],
    "list": lambda frame, arrow: arrow.to_pylist()[2:3],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_row_in_any_form_gives_the_picture_of_the_file(task, sources, arrow, expected, form):
    grid = task.grid(FORMS[form](sources, arrow))
    assert list(grid.outcomes) == [expected]


def test_identifiers_are_looked_up(task, demo, sources, expected):
    ids = sources["diaSourceId"].tolist()
    assert list(task.grid(ids[2], catalog=demo.apdb).outcomes) == [expected]
    grid = task.grid([ids[5], ids[2]], catalog=sources)
    assert [row["diaSourceId"] for row in grid.rows] == [ids[5], ids[2]]
    assert grid.outcomes[1] == expected
    with pytest.raises(CutoutsError, match="has no diaSourceId 17"):
        task.grid([ids[2], 17], catalog=demo.apdb)
    with pytest.raises(CutoutsError, match="give catalog="):
        task.grid(ids[2])


def test_many_are_shown_in_the_order_that_was_asked_for(task, sources):
    shuffled = sources.sample(frac=1, random_state=3)
    grid = task.grid(shuffled, limit=5, sort_by="-snr")
    best = sources.sort_values("snr", ascending=False)["diaSourceId"].tolist()[:5]
    assert [row["diaSourceId"] for row in grid.rows] == best
    assert grid.note == f"5 of {len(sources)} DiaSources, by -snr"
    html = grid._repr_html_()
    assert pictures(grid) == list(grid.outcomes)
    assert all(f"{identifier} · S/N" in html for identifier in best)
    in_order = task.grid(shuffled, limit=1000)
    assert [row["diaSourceId"] for row in in_order.rows] == shuffled["diaSourceId"].tolist()
    with pytest.raises(CutoutsError, match="no column 'brightness' to sort by"):
        task.grid(sources, sort_by="brightness")


def test_a_source_without_a_picture_stands_among_the_others_with_its_reason(task, arrow):
    rows = arrow.to_pylist()[:3]
    rows[1] |= {"ra": 0.0, "dec": -89.0, "diaObjectId": 5}
    grid = task.grid(rows)
    assert len(pictures(grid)) == 2
    assert isinstance(grid.outcomes[1], str)
    assert grid.outcomes[1].replace("'", "&#x27;") in grid._repr_html_()
    assert repr(grid) == "3 DiaSources, 1 of them without a picture"
    with pytest.raises(CutoutsError, match=f"DiaSource {rows[1]['diaSourceId']}: "):
        task.show(rows[1])


def test_what_a_catalogue_says_is_text_and_no_markup(task, arrow):
    row = arrow.to_pylist()[0] | {"band": "<script>alert(1)</script>"}
    html = task.grid([row])._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("wrong", ["text", 3.5, [], [object()], None])
def test_what_is_no_source_is_told_in_one_line(task, wrong):
    with pytest.raises(CutoutsError, match="Give a table, one or several of its rows") as error:
        task.show(wrong)
    assert "\n" not in str(error.value)


def test_alerts_can_be_shown_as_well(task, tmp_path):
    with pytest.raises(CutoutsError, match="bring no stamps"):
        ZooniverseCutoutsTask().show({"diaSourceId": 1, "visit": 2, "detector": 3, "ra": 1.0, "dec": 2.0})


def test_images_given_by_hand_need_a_position_only(butler, sources, task):
    source = sources.iloc[0]
    where = {"instrument": "DemoCam", "visit": int(source["visit"]), "detector": int(source["detector"])}
    types = {
        "template": "template_detector",
        "science": "preliminary_visit_image",
        "difference": "difference_image",
    }
    images = {role: butler.get(name, **where) for role, name in types.items()}
    alone = ZooniverseCutoutsTask().render({"ra": source["ra"], "dec": source["dec"]}, images)
    assert alone.startswith(b"\x89PNG")
    whole = ZooniverseCutoutsTask().render(sources.iloc[:1], images)
    assert whole == task.render(sources.iloc[:1])
