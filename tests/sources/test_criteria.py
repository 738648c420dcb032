"""Each condition is described once: option, configuration field and selection agree."""

import dataclasses

import pyarrow as pa
import pytest
from lsst.pex.config import FieldValidationError

from lsst.analysis.ap.cli.cutouts import build_parser
from lsst.analysis.ap.criteria import CRITERIA, Takes
from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection, Stratum, circle, make_selection, polygon
from lsst.analysis.ap.sources.config import SelectionConfig

# What each criterion is given as text and as a configuration has it, and what comes of it.
ASKED = {
    "ids": ("5,3", "5,3", {"ids": (3, 5)}),
    "object_ids": ("7", "7", {"object_ids": (7,)}),
    "reliability_min": ("0.25", 0.25, {"reliability_min": 0.25}),
    "reliability_max": ("0.75", 0.75, {"reliability_max": 0.75}),
    "snr_min": ("5", 5.0, {"snr_min": 5.0}),
    "snr_max": ("1e2", 100.0, {"snr_max": 100.0}),
    "band": ("r, i", ["r", "i"], {"bands": ("r", "i")}),
    "visit": ("7,8", [7, 8], {"visits": (7, 8)}),
    "detector": ("3", [3], {"detectors": (3,)}),
    "time_min": ("2026-01-10T12:00:00", "61050.5", {"time_min": 61050.5}),
    "time_max": ("61051", "61051", {"time_max": 61051.0}),
    "circle": ("53.1,-27.8,0.5", [53.1, -27.8, 0.5], {"regions": (circle(53.1, -27.8, 0.5),)}),
    "polygon": (
        "0,0,1,0,1,1",
        [0.0, 0.0, 1.0, 0.0, 1.0, 1.0],
        {"regions": (polygon([(0, 0), (1, 0), (1, 1)]),)},
    ),
    "exclude_flags": ("a,b", ["a", "b"], {"excluded_flags": ("a", "b")}),
    "require_flags": ("c", ["c"], {"required_flags": ("c",)}),
    "where": ("snr > 5, ra"[:7], "snr > 5", {"where": "snr > 5"}),
    "one_per_object": (True, True, {"one_per_object": True}),
    "latest": ("2", 2, {"latest": 2}),
    "sample": ("4", 4, {"sample": 4}),
    "seed": ("-3", -3, {"seed": -3}),
    "stratify": (
        "band,reliability:10",
        ["band", "reliability:10"],
        {"strata": (Stratum("band"), Stratum("reliability", 10))},
    ),
    "limit": ("9", 9, {"limit": 9}),
}
NEEDS = {"stratify": {"sample": 4}}


def test_nothing_is_left_out():
    assert [criterion.name for criterion in CRITERIA] == list(ASKED)
    filled = {criterion.fills for criterion in CRITERIA}
    assert filled == {field.name for field in dataclasses.fields(Selection) if field.init}


@pytest.mark.parametrize("name", ASKED)
def test_text_and_values_make_the_same_selection(name):
    text, value, fields = ASKED[name]
    more = NEEDS.get(name, {})
    expected = Selection(**fields, **more)
    assert make_selection({name: text, **more}) == expected
    assert make_selection({name: value, **more}) == expected
    assert expected != Selection(**more)


@pytest.mark.parametrize("name", ASKED)
def test_each_is_an_option_with_its_description(name):
    (criterion,) = (c for c in CRITERIA if c.name == name)
    (action,) = (a for a in build_parser()._actions if a.dest == name)
    assert f"--{name.replace('_', '-')}" in action.option_strings
    assert action.help == criterion.doc


IN_PIPELINE = {
    "ids": "ids",
    "object_ids": "objectIds",
    "reliability_min": "reliabilityMin",
    "reliability_max": "reliabilityMax",
    "snr_min": "snrMin",
    "snr_max": "snrMax",
    "circle": "circle",
    "polygon": "polygon",
    "exclude_flags": "excludeFlags",
    "require_flags": "requireFlags",
    "where": "where",
    "sample": "sample",
    "seed": "seed",
}


@pytest.mark.parametrize("name", IN_PIPELINE)
def test_each_that_the_pipeline_has_is_a_field(name):
    _, value, fields = ASKED[name]
    config = SelectionConfig()
    setattr(config, IN_PIPELINE[name], value)
    config.validate()
    assert config.makeSelection() == Selection(**fields)


def test_the_pipeline_has_no_others():
    assert set(SelectionConfig().toDict()) == set(IN_PIPELINE.values())
    assert SelectionConfig().makeSelection() == Selection()


EMPTY = [
    *((c.name, value) for c in CRITERIA for value in ("", " ", ",") if c.name != "one_per_object"),
    *((c.name, value) for c in CRITERIA for value in ([""], [" ", ","]) if c.takes.is_list),
]


@pytest.mark.parametrize(("name", "value"), EMPTY)
def test_what_is_given_and_empty_is_refused_by_name(name, value):
    with pytest.raises(CutoutsError) as caught:
        make_selection({name: value, **NEEDS.get(name, {})})
    assert caught.value.choices == (name,)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("where", "snr >", "cannot be parsed"),
        ("circle", [1.0, 2.0, -3.0], "radius"),
        ("polygon", [0.0, 0.0, 1.0, 1.0], "corners"),
        ("reliabilityMin", float("nan"), "not a number"),
    ],
)
def test_a_wrong_field_is_named_by_the_configuration(field, value, said):
    config = SelectionConfig()
    setattr(config, field, value)
    with pytest.raises(FieldValidationError, match=f"(?s){field}.*{said}"):
        config.validate()


def test_a_count_of_none_is_refused_when_it_is_set():
    counts = [c.field for c in CRITERIA if c.in_pipeline and c.takes is Takes.COUNT]
    assert "sample" in counts
    for name in counts:
        with pytest.raises(FieldValidationError, match=name):
            setattr(SelectionConfig(), name, 0)


@pytest.mark.parametrize("value", ["ten", "t" * 58, "t" * 59, "t" * 200])
def test_a_wrong_value_is_shown_as_far_as_a_line_has_room(value):
    with pytest.raises(CutoutsError) as refusal:
        make_selection({"snr_min": value})
    shown = repr(value) if len(repr(value)) <= 60 else f"'{value[:55]}...'"
    assert str(refusal.value) == f"snr_min is {shown}, not a number."


def test_whole_numbers_are_those_of_64_bits():
    ends = [-(2**63), 2**63 - 1]
    table = pa.table(
        {"diaSourceId": ends, "visit": [1, 1], "detector": [1, 1], "ra": [1.0, 1.0], "dec": [1.0, 1.0]}
    )
    assert Selection(ids=tuple(ends)).apply(table)["diaSourceId"].to_pylist() == ends
    for number in (ends[0] - 1, ends[1] + 1):
        with pytest.raises(CutoutsError, match=f"The number {number} does not fit into 64 bits"):
            Selection(ids=(number,)).apply(table)


def test_corners_of_a_polygon_are_within():
    corners = [
        (53.1 + x, -28.1 + y) for x, y in ((0, 0), (0.3, 0.02), (0.31, 0.33), (0.11, 0.4), (-0.1, 0.2))
    ]
    ra, dec = zip(*corners, strict=True)
    ids = list(range(len(corners)))
    table = pa.table({"diaSourceId": ids, "visit": ids, "detector": ids, "ra": ra, "dec": dec})
    found = Selection(regions=(polygon(corners),)).apply(table)
    assert found["diaSourceId"].to_pylist() == ids
