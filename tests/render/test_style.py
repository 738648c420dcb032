import pickle

import pytest
from lsst.pex.config import FieldValidationError

from lsst.analysis.ap.render import PictureStyle, Renderer
from lsst.analysis.ap.render.config import PicturesConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sizes", ()),
        ("sizes", (0,)),
        ("sizes", (30.5,)),
        ("image_stretch", "cubic"),
        ("difference_stretch", ""),
        ("image_interval", "sigma"),
        ("difference_interval", None),
        ("asinh_a", 0.0),
        ("percentile", 0.0),
        ("limits_region", 0),
        ("difference_limits_region", 0),
        ("image_limits", (1.0,)),
        ("image_limits", (2.0, 1.0)),
        ("difference_limits", (0.0, float("inf"))),
        ("color_map", "bones"),
        ("difference_color_map", "bones"),
        ("panel_pixels", 3),
        ("background", "grey"),
        ("orientation", "south-up"),
        ("orientation", "north-up"),
        ("center_mark", "dot"),
    ],
)
def test_wrong_values_are_refused_by_the_name_of_their_field(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        PictureStyle(**{field: value})


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("panel_pixels", 2001, "at least 10 and at most 2000, not 2001"),
        ("asinh_a", 0.0, "above 0, not 0.0"),
        ("percentile", 100.5, "above 0 and at most 100, not 100.5"),
        ("limits_region", 0, "at least 1, not 0"),
    ],
)
def test_the_limits_of_a_number_are_told(field, value, said):
    with pytest.raises(ValueError, match=f"^{field}: {said}$"):
        PictureStyle(**{field: value})


@pytest.mark.parametrize(("size", "factor"), [(30, 7), (51, 4), (100, 2), (211, 1), (500, 1), (1, 210)])
def test_pixels_are_enlarged_by_a_whole_number(size, factor):
    assert PictureStyle(sizes=(size,)).enlargement(size) == factor


def test_panels_of_several_sizes_are_nearly_as_large(make_triplet):
    style = PictureStyle(sizes=(30, 60))
    assert 30 * style.enlargement(30) == 60 * style.enlargement(60)


def test_renderers_travel_between_processes(make_triplet, row):
    renderer = Renderer(PictureStyle(sizes=[30], add_metadata=True))
    copy = pickle.loads(pickle.dumps(renderer))
    assert copy.render([make_triplet()], row) == renderer.render([make_triplet()], row)


def test_planes_are_those_that_are_shown_and_those_of_footprints():
    assert PictureStyle().planes == ()
    assert PictureStyle(mask_planes=("SAT", "DETECTED")).planes == ("SAT", "DETECTED")
    style = PictureStyle(mask_planes=("SAT", "DETECTED"), footprint=True)
    assert style.planes == ("SAT", "DETECTED", "DETECTED_NEGATIVE")


@pytest.mark.parametrize(
    ("size", "panel_pixels", "scale"),
    [(30, 90, 1.0), (30, 210, 1.0), (30, 300, 1.0), (30, 330, 1.5), (30, 630, 3.0)],
)
def test_text_grows_with_the_panels_in_steps_of_a_half(size, panel_pixels, scale):
    assert PictureStyle(sizes=(size,), panel_pixels=panel_pixels).text_scale == scale


def test_an_earlier_name_is_answered_by_the_new_one():
    with pytest.raises(ValueError, match="'north-up' is called 'nearest-north' now"):
        PictureStyle(orientation="north-up")


def test_a_word_that_never_was_a_choice_is_refused_where_others_were_renamed():
    with pytest.raises(FieldValidationError, match="orientation"):
        PicturesConfig().orientation = "upside-down"


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("panelPixels", (10, 2000), (9, 2001)),
        ("percentile", (0.001, 100.0), (0.0, 100.001)),
        ("limitsRegion", (1, 10**6), (0, -1)),
    ],
)
def test_a_configuration_takes_what_a_style_takes(field, good, bad):
    config = PicturesConfig()
    for value in good:
        setattr(config, field, value)
        config.validate()
    for value in bad:
        with pytest.raises(FieldValidationError, match=field):
            setattr(config, field, value)


def test_a_configuration_names_the_field_that_is_wrong():
    config = PicturesConfig()
    config.differenceLimits = [3.0, 1.0]
    with pytest.raises(
        FieldValidationError, match="'differenceLimits' failed validation: two numbers, the lower"
    ):
        config.validate()
    with pytest.raises(FieldValidationError, match="'north-up' is called 'nearest-north' now"):
        config.orientation = "north-up"
