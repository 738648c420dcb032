"""Execute the notebook of the documentation: each cell must give outputs of the kinds that are committed.

python tests/stress/notebook.py
"""

import sys
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parents[2] / "doc"))
import make_figures


def main() -> None:
    committed = nbformat.read(make_figures.NOTEBOOK, as_version=4)
    for before, after in zip(committed.cells, make_figures.execute().cells, strict=True):
        if before.cell_type == "code":
            kinds, found = ([o.output_type for o in cell.outputs] for cell in (before, after))
            if (before.execution_count, kinds) != (after.execution_count, found):
                sys.exit(
                    f"{make_figures.NOTEBOOK} has {kinds}, where now there is {found}: run `make figures`, "
                    f"look at what changed, and commit it. The cell is:\n{before.source}"
                )


if __name__ == "__main__":
    main()
