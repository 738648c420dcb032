"""Counts and fractions are those of Zooniverse's own program."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.zooniverse.volunteers import Subject, make_volunteers

PYTHON = Path(sys.prefix, "aggregation", "bin", "python")

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="panoptes_aggregation is not installed beside the tests (.ci/setup)"
)


def test_votes_are_those_of_the_question_reducer(label, make_directory, tmp_path, project):
    rng = random.Random(3)
    crowd = make_volunteers(400, rng)
    subjects = [Subject(10_000 + i, {"#diaSourceId": str(i)}) for i in range(1, 201)]
    answers = ["Real", "Bogus", "Not sure", "Near a galaxy & real?", None]
    while len(project.rows) < 4_000:
        # Some subjects come so often that volunteers see them again, and change their minds.
        subject = subjects[int(len(subjects) * rng.random() ** 2)]
        project.classify(subject, rng.choice(crowd), rng.choices(answers, [40, 40, 10, 8, 2])[0])
    export = project.write_classifications(tmp_path / "export.csv")
    reduced = subprocess.run(
        [PYTHON, Path(__file__).with_name("reduce_questions.py"), export, "T0"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    expected = json.loads(reduced)

    labels, rows = label(make_directory(range(1, 201)), [export])
    assert labels.report["classifications"]["replaced by a later one"] > 100
    names = {
        "real": "real",
        "bogus": "bogus",
        "not-sure": "not_sure",
        "near-a-galaxy-real": "near_a_galaxy_real",
    }
    seen = 0
    for subject in subjects:
        row, votes = rows[int(subject.metadata["#diaSourceId"])], expected.get(str(subject.number), {})
        answered = sum(count for name, count in votes.items() if name != "None")
        assert row["unanswered"] == votes.get("None", 0)
        assert row["volunteers"] == sum(votes.values())
        seen += row["volunteers"]
        for theirs, ours in names.items():
            assert row[f"votes_{ours}"] == votes.get(theirs, 0)
            fraction = votes.get(theirs, 0) / answered if answered else None
            assert row[f"fraction_{ours}"] == fraction
    assert seen == labels.report["classifications"]["votes"]
