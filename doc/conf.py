"""Sphinx configuration: that of every package of the LSST Science Pipelines, made to need no network."""

import inspect
import re
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

import sphinxcontrib.autoprogram
from documenteer.conf.pipelinespkg import *  # noqa: F403

# The theme that documenteer pins is older than the Sphinx that it allows.
warnings.filterwarnings("ignore", module="pydata_sphinx_theme")

project = "analysis_ap"
html_title = project
html_short_title = project
copyright = "The analysis_ap developers"
numfig = False
html_css_files += ["analysis_ap.css"]
doxylink = {}
html_search_scorer = "search_scorer.js"

# Everything that a build or a reader needs is on the disk: no inventories, scripts or fonts from elsewhere.
intersphinx_mapping = {}
templates_path = []
_NOT_HERE = ("sphinxcontrib.mermaid", "sphinxcontrib.redoc", "sphinxcontrib.youtube")
extensions = [name for name in extensions if name not in _NOT_HERE]

# A reference to a name of this package that does not exist is an error; those of others are not known.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!lsst\.analysis\.ap)[\s\S]*"), ("py:.*", r".*\._.*")]

# Notebooks are shown as they were executed; a test executes them again.
nb_execution_mode = "off"

automodapi_inheritance_diagram = False
autodoc_typehints = "none"
always_document_param_types = False
typehints_document_rtype = False
typehints_defaults = None

_render_rst = sphinxcontrib.autoprogram.render_rst


def _render_program(title: str, *args: Any, epilog: str | None, **kwargs: Any) -> Iterator[str]:
    """Show what ends the ``--help`` of a program as text and shell lines."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(epilog or "")):
        # "examples:", then lines that say what for, then commands.
        text, code = [], []
        for line in paragraph.splitlines():
            (code if line.startswith("    ") else text).append(line)
        said = " ".join(line.strip() for line in text if line not in ("examples:", "example:"))
        lines += ["", said[:1].upper() + said[1:].replace("*", "\\*"), ""]
        if code:
            lines += [
                ".. code-block:: bash",
                "",
                *textwrap.indent(textwrap.dedent("\n".join(code)), "   ").splitlines(),
            ]
    for line in _render_rst(title, *args, epilog="\n".join(lines), **kwargs):
        yield line if line != title or kwargs["is_subgroup"] else "Usage"  # the page has this title


sphinxcontrib.autoprogram.render_rst = _render_program
