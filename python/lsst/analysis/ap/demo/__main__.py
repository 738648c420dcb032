"""Run ``python -m lsst.analysis.ap.demo``."""

import sys

from .cli import main

sys.exit(main())
