"""Run ``python -m lsst.analysis.ap.demo``."""

import sys

from ..cli.demo import main

sys.exit(main())
