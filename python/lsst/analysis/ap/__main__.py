"""Run the command as ``python -m lsst.analysis.ap``."""

from .cli.cutouts import main

if __name__ == "__main__":
    raise SystemExit(main())
