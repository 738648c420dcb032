import pytest

from lsst.analysis.ap.output.config import OutputConfig


def seed_of(text):
    config = OutputConfig()
    config.manifestOrder = text
    return config.orderSeed()


@pytest.mark.parametrize(
    ("text", "seed"), [("detector", None), ("random", 0), ("random:0", 0), ("random:17", 17)]
)
def test_an_order_is_that_of_detectors_or_has_a_seed(text, seed):
    assert seed_of(text) == seed


@pytest.mark.parametrize(
    "text", ["", "visit", "random:", "random:-1", "random:x", "shuffled:1", "detector:1"]
)
def test_any_other_order_is_refused(text):
    with pytest.raises(ValueError, match=r"'random:N', not "):
        seed_of(text)
