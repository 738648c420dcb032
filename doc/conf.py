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
_COLUMNS = 72


def _render_program(*args: Any, usage: str, epilog: str | None, **kwargs: Any) -> Iterator[str]:
    """Show the usage of a program in lines that fit the page, and what ends its ``--help`` as it is typed."""
    text = " ".join(usage.split()).removeprefix("usage: ")
    program, *words = re.findall(r"\[.*?\](?= |$)|\(.*?\)|\S+", text)
    # A word in brackets stays whole.
    joined = textwrap.fill(" ".join(word.replace(" ", "\0") for word in words), _COLUMNS - 4)
    usage = "\n".join([program, textwrap.indent(joined.replace("\0", " "), "    ")])
    text = inspect.cleandoc(epilog or "")
    block = "\n.. code-block:: none\n\n" + textwrap.indent(text, "   ") + "\n" if text else ""
    return _render_rst(*args, usage=usage, epilog=block, **kwargs)


sphinxcontrib.autoprogram.render_rst = _render_program
