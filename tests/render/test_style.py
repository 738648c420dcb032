import pickle

import pytest

from lsst.analysis.ap.render import PictureStyle, Renderer


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
