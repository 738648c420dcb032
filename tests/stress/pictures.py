"""Compare many random pictures with what matplotlib draws, and their bytes between processes.

python tests/stress/pictures.py [--pictures N]
"""

import argparse
import sys
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parents[1] / "render"


def main() -> None:
    """Run the test of painted pictures with as many examples as wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=1000, help="how many")
    options = parser.parse_args()

    class MoreExamples:
        """Changes what a test says of the number of its examples."""

        def pytest_collection_modifyitems(self, items):
            for item in items:
                if hasattr(item.function, "hypothesis"):
                    item.add_marker(pytest.mark.timeout(0))
                    settings_of = item.function._hypothesis_internal_use_settings
                    item.function._hypothesis_internal_use_settings = settings(
                        settings_of, max_examples=options.pictures
                    )

    sys.exit(pytest.main(["-q", str(TESTS / "test_paint.py"), str(TESTS / "test_png.py")], [MoreExamples()]))


if __name__ == "__main__":
    main()
