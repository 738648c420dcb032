"""The documentation tells of the code as it is."""

import ast
import importlib.util
import inspect
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from lsst.ctrl.bps import BPS_SEARCH_ORDER, BpsConfig
from lsst.pipe.base import Pipeline
from tests.reading import pixels

from lsst.analysis.ap.render._layout import layout

ROOT = Path(__file__).parents[1]
DOC = ROOT / "doc"
PAGES = DOC / "lsst.analysis.ap"
REMEDY = "Run `make figures`, look at what changed, and commit it."


def _load_script():
    spec = importlib.util.spec_from_file_location("make_figures", DOC / "make_figures.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = _load_script()


@pytest.mark.parametrize("name", script.figures())
def test_a_figure_shows_what_the_code_draws(name):
    path = script.FIGURES / f"{name}.png"
    assert path.exists(), f"There is no {path}. {REMEDY}"
    figure = script.figures()[name]
    committed, drawn = pixels(path.read_bytes()), pixels(script.draw(figure))
    assert committed.shape == drawn.shape, f"{path} has another size than the code draws. {REMEDY}"
    if json.loads(script.DRAWN_WITH.read_text()) != script.drawn_with():
        # Each version of FreeType has its own letters: compare what has none.
        panels = [p.slices for row in layout(script.configure(figure).makeStyle()).panels for p in row]
    else:
        panels = [np.s_[:, :]]
    for part in panels:
        differing = int((committed[part] != drawn[part]).any(axis=2).sum())
        assert not differing, f"{differing} pixels of {path} are not what the code draws. {REMEDY}"


def test_no_figure_is_left_over():
    assert {path.stem for path in script.FIGURES.glob("*.png")} == set(script.figures()), REMEDY


@pytest.mark.parametrize("path", script.tables(), ids=lambda path: path.name)
def test_a_table_says_what_the_code_says(path):
    assert path.read_text() == script.tables()[path], f"{path} is out of date. {REMEDY}"


def _texts_of_the_code():
    """Return every piece of text in the package, with … for what is filled in."""
    texts = []
    for path in (ROOT / "python").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_the_messages_of_the_troubleshooting_page_are_the_programs_own():
    page = (PAGES / "troubleshooting.rst").read_text()
    code = _texts_of_the_code()
    blocks = re.findall(r"^\.\. code-block:: text\n\n((?: {3}.*\n)+)", page, flags=re.MULTILINE)
    assert len(blocks) > 10
    for block in blocks:
        message = " ".join(block.split())
        for fragment in re.split(r"…|\. |\.$", re.sub("^zooniverseCutouts: (error: )?", "", message)):
            assert fragment.strip() in code, f"No code says {fragment!r}: mend the page."


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES.rglob("*.rst")], ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    text = page.read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text) if page.suffix == ".md" else []
    links += re.findall(r"^ *\.\. (?:figure|image|include):: (\S+)", text, flags=re.MULTILINE)
    for link in links:
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("path", sorted((ROOT / "bps").glob("*.yaml")), ids=lambda path: path.name)
def test_a_configuration_of_bps_is_part_of_one_of_the_users_own(path, tmp_path):
    """bps takes no resource for its file, but includes one, as the comments show."""
    own = tmp_path / "mine.yaml"
    own.write_text(f"includeConfigs:\n  - resource://lsst.analysis.ap/bps/{path.name}\ncampaign: mine\n")
    config = BpsConfig(str(own), BPS_SEARCH_ORDER)
    assert config["campaign"] == "mine"
    assert config["pipelineYaml"] == "resource://lsst.analysis.ap/pipelines/zooniverseCutouts.yaml"
    assert list(Pipeline.from_uri(config["pipelineYaml"]).task_labels) == list(config["cluster"])
    cluster = config[".cluster.zooniverseCutouts"]
    assert (cluster["pipetasks"], cluster["dimensions"]) == ("zooniverseCutouts", "instrument, visit")
    assert f"resource://lsst.analysis.ap/bps/{path.name}" in path.read_text()


def _functions(thing):
    """Yield a function, or the public methods of a class."""
    members = vars(thing).items() if inspect.isclass(thing) else [(thing, thing)]
    for name, member in members:
        function = getattr(member, "__func__", member)
        if inspect.isfunction(function) and not str(name).startswith("_"):
            yield function


INNER_ROOMS = ("images", "output")
"""Rooms that only other rooms call: a sentence may say what goes in and what comes out."""


def _modules_for_users():
    pages = (PAGES / name for name in ("rooms.rst", "index.rst"))
    found = [name for page in pages for name in re.findall(r"automodapi:: (\S+)", page.read_text())]
    assert len(found) > 10
    return [name for name in found if not name.endswith(INNER_ROOMS)]


@pytest.mark.parametrize("module", _modules_for_users())
def test_every_parameter_of_what_a_module_exports_is_documented(module):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    imported = importlib.import_module(module)
    for name in imported.__all__:
        for function in filter(inspect.getdoc, _functions(getattr(imported, name))):
            documented = docscrape.FunctionDoc(function)
            named = [p.name for part in ("Parameters", "Other Parameters") for p in documented[part]]
            expected = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
            if not named and "." in function.__qualname__:
                continue  # a method that this package calls itself
            assert ", ".join(named).replace("*", "") == ", ".join(expected), f"{name}: {function}"


def test_every_view_of_the_gallery_is_shown():
    spec = importlib.util.spec_from_file_location("gallery_figures", DOC / "gallery_figures.py")
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    assert {path.stem for path in gallery.FOLDER.glob("*.jpg")} == set(gallery.VIEWS), REMEDY
    text = (PAGES / "gallery.rst").read_text()
    assert all(f"figures/gallery/{name}.jpg" in text for name in gallery.VIEWS)
