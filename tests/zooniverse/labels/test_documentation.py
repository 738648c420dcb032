"""The page "Labels back" tells of the columns that there are, and of the constants as they are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from lsst.analysis.ap.cli.labels import build_parser
from lsst.analysis.ap.zooniverse import Consensus, Fractions, Weights

PAGE = Path(__file__).parents[3] / "doc" / "lsst.analysis.ap" / "labels-back.rst"


@pytest.fixture
def tables():
    """The names in the first column of each table of the page."""
    parts = PAGE.read_text().split(".. list-table::")[1:]
    rows = [re.findall(r"^   \* - (``.*)$", part, re.MULTILINE) for part in parts]
    return [[name for row in part for name in re.findall(r"``([a-z_.]+)``", row)] for part in rows]


def test_every_column_is_explained_in_order(label, project, subjects, people, tables):
    for person, value in zip(people, ("Real", "Bogus", "Not sure"), strict=False):
        project.classify(subjects[0], person, value)
    labels, _ = label()
    ours = labels.table.column_names[labels.table.column_names.index("subjects") :]
    ours = [re.sub(r"^(votes|fraction)_.*", r"\1_...", name) for name in ours]
    of_labels, of_volunteers = tables
    assert of_labels == list(dict.fromkeys(ours))
    assert of_volunteers == labels.volunteers.column_names


def test_every_file_is_explained(label, project, subjects, people, tmp_path):
    project.classify(subjects[0], people[0], "Real")
    label(write=True)
    written = {path.name for path in (tmp_path / "pictures").iterdir() if path.name[0] != "."}
    text = PAGE.read_text()
    assert all(f"``{name}``" in text for name in written - {"manifest.csv"})


@pytest.mark.parametrize("method", [Fractions, Consensus, Weights])
def test_help_and_page_have_the_constants_as_they_are(method):
    helps = {action.dest: action.help for action in build_parser()._actions}
    for field in fields(method):
        assert f"default: {field.default})" in helps[field.name]
        assert method.name in helps[field.name] or field.name == "stable_votes"
        option = f"--{field.name.replace('_', '-')}"
        assert f"``{option}``" in PAGE.read_text()
