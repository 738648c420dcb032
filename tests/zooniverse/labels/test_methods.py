"""Labels from votes: cases worked out by hand, and a plain loop over random ones."""

import math
import random
from collections import defaultdict

import pyarrow as pa
import pytest
from pyarrow.csv import write_csv
from pyarrow.parquet import write_table
from tests.zooniverse.volunteers import Subject, Volunteer, work

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.zooniverse import Consensus, Fractions, GoldChoice, Weights


@pytest.fixture
def gold_file(tmp_path):
    """A function that writes what sources are."""

    def write(answers):
        path = tmp_path / "gold.csv"
        path.write_text("diaSourceId,answer\n" + "".join(f"{i},{a}\n" for i, a in answers.items()))
        return GoldChoice(path)

    return write


@pytest.fixture
def skilled(project, make_directory, people, gold_file):
    """Volunteers who have judged 20 reference sources each: sources 101 to 120, the first ten of them real.

    Anne is right about 9 of 10 real ones and 8 of 10 bogus ones, Bert about 7
    and 6, Cleo about all; the fourth has seen none.
    """
    right = {people[0]: (9, 8), people[1]: (7, 6), people[2]: (10, 10)}
    for i in range(20):
        subject = Subject(1000 + i, {"diaSourceId": str(101 + i)})
        for person, (real, bogus) in right.items():
            says_real = i < real if i < 10 else i - 10 >= bogus
            project.classify(subject, person, "Real" if says_real else "Bogus")
    gold = gold_file({101 + i: "real" if i < 10 else "bogus" for i in range(20)})
    return make_directory([*range(1, 6), *range(101, 121)]), gold


def test_skills_are_the_fractions_of_right_answers(label, skilled):
    directory, gold = skilled
    labels, _ = label(directory, gold=gold)
    rows = {row["volunteer"]: row for row in labels.volunteers.to_pylist()}
    assert rows["anne"] == {
        "volunteer": "anne",
        "user_id": 1,
        "votes": 20,
        "gold_seen": 20,
        "real_called_real": 9,
        "real_called_bogus": 1,
        "bogus_called_real": 2,
        "bogus_called_bogus": 8,
        "skill_real": 0.9,
        "skill_bogus": 0.8,
        "weighed": True,
    }
    assert (rows["bert"]["skill_real"], rows["bert"]["skill_bogus"]) == (0.7, 0.6)
    assert (rows["cleo"]["skill_real"], rows["cleo"]["skill_bogus"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("votes", "p_real", "expected"),
    [
        # Odds, from 1 at the start: Anne's "real" is worth 0.9 / (1 - 0.8), her "bogus" (1 - 0.9) / 0.8;
        # Bert's 0.7 / 0.4 and 0.3 / 0.6; Cleo, who is always right, has 0.95 instead: 0.95 / 0.05 and
        # 0.05 / 0.95.
        ("A", 4.5 / 5.5, None),
        ("a", 0.125 / 1.125, None),
        ("AB", 7.875 / 8.875, None),
        ("Ab", 2.25 / 3.25, None),
        ("C", 0.95, "real"),
        ("c", 0.05, "bogus"),
        ("Ac", 4.5 / 19 / (1 + 4.5 / 19), None),
        ("AC", 85.5 / 86.5, "real"),
        ("abc", 0.125 * 0.5 / 19 / (1 + 0.125 * 0.5 / 19), "bogus"),
        ("D", None, None),
        ("dC", 0.95, "real"),
    ],
)
def test_votes_are_weighted_by_skill(label, project, people, subjects, skilled, votes, p_real, expected):
    directory, gold = skilled
    names = dict(zip("ABCD", people, strict=True))
    for vote in votes:
        project.classify(subjects[0], names[vote.upper()], "Real" if vote.isupper() else "Bogus")
    _, rows = label(directory, method=Weights(), gold=gold)
    assert rows[1]["p_real"] == (None if p_real is None else pytest.approx(p_real, abs=1e-12))
    assert rows[1]["label"] == expected
    assert rows[1]["volunteers"] == len(votes)
    assert rows[1]["counted"] == len(votes.replace("D", "").replace("d", ""))
    assert rows[101]["gold"] == "real"
    assert rows[1]["gold"] is None


def test_the_constants_are_options(label, project, people, subjects, skilled):
    directory, gold = skilled
    for subject, person in zip(subjects, people, strict=False):
        project.classify(subject, person, "Real")

    def p_real(**constants):
        _, rows = label(directory, method=Weights(**constants), gold=gold)
        return [rows[i]["p_real"] for i in (1, 2, 3, 4)], [rows[i]["label"] for i in (1, 2, 3, 4)]

    third = 1 / 3
    assert p_real(prior=0.25)[0][:2] == pytest.approx(
        [4.5 * third / (1 + 4.5 * third), 1.75 / 3 / (1 + 1.75 / 3)]
    )
    assert p_real(skill_max=0.99)[0][2] == pytest.approx(0.99)
    assert p_real(skill_min=0.85)[0][1] == pytest.approx(0.85)
    assert p_real(accept=0.8)[1] == ["real", None, "real", None]
    assert p_real(least_gold=21)[0] == [None] * 4
    assert p_real(least_gold=0)[0][3] == 0.5  # of whom nothing is known


def test_exactly_nine_tenths_is_enough(label, project, subjects, make_directory, gold_file):
    even = Volunteer("even", 7, 0.9, 0.9)
    for i in range(20):
        says_real = (i not in (9, 10) and i < 10) or i == 10
        project.classify(
            Subject(1000 + i, {"diaSourceId": str(101 + i)}), even, "Real" if says_real else "Bogus"
        )
    gold = gold_file({101 + i: "real" if i < 10 else "bogus" for i in range(20)})
    project.classify(subjects[0], even, "Real")
    project.classify(subjects[1], even, "Bogus")
    _, rows = label(make_directory([1, 2, *range(101, 121)]), method=Weights(), gold=gold)
    assert [rows[i]["label"] for i in (1, 2)] == ["real", "bogus"]


@pytest.mark.parametrize(
    ("votes", "expected", "stable"),
    [
        ("CC", "real", False),  # two votes are too few to tell
        ("CCA", "real", True),
        ("CAAA", "real", True),
        ("BCC", "real", False),  # after the first vote it was open
        ("BCCC", "real", True),
        ("CcC", "real", False),
        ("AAAb", "real", True),
        ("CcB", None, False),
    ],
)
def test_a_label_is_stable_that_held_for_the_last_three_votes(
    label, project, subjects, skilled, people, votes, expected, stable
):
    directory, gold = skilled
    kinds = dict(zip("ABC", people[:3], strict=True))
    # Each vote needs a volunteer of its own: copies of the three, with the same past.
    past = list(project.rows)
    for number, vote in enumerate(votes):
        original = kinds[vote.upper()]
        copy = Volunteer(f"{original.name} {number}", 100 + number, original.real, original.bogus)
        for row in past:
            if row["user_name"] == original.name:
                project.classify(row["subject_data"], copy, row["annotations"][0]["value"])
        project.classify(subjects[0], copy, "Real" if vote.isupper() else "Bogus")
    _, rows = label(directory, method=Weights(), gold=gold)
    assert (rows[1]["label"], rows[1]["stable"]) == (expected, stable)


@pytest.mark.parametrize(
    ("method", "votes", "p_real", "expected", "stable"),
    [
        (Fractions(), "RRR", 1.0, "real", True),
        (Fractions(), "RR", 1.0, "real", False),
        (Fractions(), "RRRB", 0.75, None, False),
        (Fractions(), "BBB", 0.0, "bogus", True),
        (Fractions(accept=0.75), "RRRB", 0.75, "real", True),
        (Fractions(accept=0.75), "BRRR", 0.75, "real", False),
        (Fractions(stable_votes=1), "R", 1.0, "real", True),
        (Consensus(), "R", 1.0, None, False),
        (Consensus(), "RR", 1.0, "real", False),
        (Consensus(), "RRBB", 0.5, None, False),
        (Consensus(), "RRBR", 0.75, "real", True),
        (Consensus(), "RBRBR", 0.6, "real", False),
        (Consensus(agreeing=3), "RRB", 2 / 3, None, False),
        (Consensus(agreement=0.8), "RRRB", 0.75, None, False),
        (Consensus(agreement=0.8), "BBBBR", 0.2, "bogus", True),
    ],
)
def test_plain_votes(label, project, subjects, method, votes, p_real, expected, stable):
    for number, vote in enumerate(votes):
        person = Volunteer(f"v{number}", number, 0.9, 0.9)
        project.classify(subjects[0], person, {"R": "Real", "B": "Bogus"}[vote])
    _, rows = label(method=method)
    assert rows[1]["p_real"] == pytest.approx(p_real)
    assert (rows[1]["label"], rows[1]["stable"]) == (expected, stable)


def test_a_plain_loop_finds_the_same(label, project, make_directory):
    """Space Warps' rule one vote after the other, in dictionaries, against the arrays."""
    rng = random.Random(5)
    crowd = [Volunteer(f"v{i}", i, rng.uniform(0.5, 1), rng.uniform(0.5, 1)) for i in range(12)]
    subjects = [Subject(500 + i, {"diaSourceId": str(i), "#training_subject": "true"}) for i in range(1, 61)]
    truth = {subject.number: rng.random() < 0.4 for subject in subjects}
    for subject in subjects[:30]:
        subject.metadata["#feedback_1_answer"] = "0" if truth[subject.number] else "1"
    work(project, subjects, crowd[:10], rng, truth=lambda s: truth[s.number], most=9, agreeing=4)
    for subject in subjects[30:40]:
        project.classify(subject, crowd[11], "Real")  # who has seen no reference source
    rng.shuffle(project.rows)

    told = sorted(project.rows, key=lambda row: (row["created_at"], row["classification_id"]))
    said = {(row["user_name"], row["subject_ids"]): row["annotations"][0]["value"] == "Real" for row in told}
    cells = defaultdict(lambda: [[0, 0], [0, 0]])
    for (name, subject), real in said.items():
        if subject <= 530:
            cells[name][not truth[subject]][not real] += 1
    rates = {
        name: [min(max(c[i] / sum(c) if sum(c) else 0.5, 0.05), 0.95) for i, c in enumerate(matrix)]
        for name, matrix in cells.items()
    }
    p, held = defaultdict(lambda: 0.5), defaultdict(list)
    for row in told:
        name, subject = row["user_name"], row["subject_ids"]
        if name in rates:
            real, bogus = rates[name]
            ratio = real / (1 - bogus) if said[name, subject] else (1 - real) / bogus
            p[subject] = p[subject] * ratio / (p[subject] * ratio + 1 - p[subject])
            held[subject].append("real" if p[subject] >= 0.9 else "bogus" if p[subject] <= 0.1 else None)

    _, rows = label(make_directory(range(1, 61)), method=Weights())
    for subject in subjects:
        row = rows[int(subject.metadata["diaSourceId"])]
        states = held[subject.number]
        assert row["p_real"] == pytest.approx(p[subject.number], abs=1e-12)
        assert row["label"] == states[-1]
        assert row["stable"] == (len(states) > 2 and len(set(states[-3:])) == 1 and states[-1] is not None)
    assert {row["label"] for row in rows.values()} == {"real", "bogus", None}


def test_the_skills_of_simulated_volunteers_are_recovered(label, project, make_directory):
    rng = random.Random(20260110)
    crowd = [Volunteer(f"v{i}", i, 0.55 + 0.04 * i, 0.97 - 0.03 * i) for i in range(8)]
    subjects = [
        Subject(i, {"diaSourceId": str(i), "#training_subject": "true", "#feedback_1_answer": str(i % 2)})
        for i in range(1, 4001)
    ]
    work(
        project,
        subjects,
        crowd,
        rng,
        truth=lambda s: s.metadata["#feedback_1_answer"] == "0",
        gold={subject.number for subject in subjects},
    )
    labels, rows = label(make_directory(range(1, 4001)), method=Weights())
    found = {row["volunteer"]: row for row in labels.volunteers.to_pylist()}
    for person in crowd:
        assert found[person.name]["skill_real"] == pytest.approx(person.real, abs=0.03)
        assert found[person.name]["skill_bogus"] == pytest.approx(person.bogus, abs=0.03)
    right = [row["label"] == row["gold"] for row in rows.values() if row["label"] in ("real", "bogus")]
    assert len(right) > 3000
    assert sum(right) / len(right) > 0.95


def test_training_subjects_are_numbered_by_the_answers_of_the_workflow(label, project, subjects, people):
    for subject, number in zip(subjects, "01", strict=False):
        subject.metadata |= {"#training_subject": "true", "#feedback_1_answer": number}
        project.classify(subject, people[0], "Real" if number == "1" else "Bogus")
    subjects[2].metadata |= {"#training_subject": "false", "#feedback_1_answer": "0"}
    project.classify(subjects[2], people[0], "Real")
    labels, rows = label(gold=GoldChoice(answers=("Bogus", "Real")))
    assert [rows[i]["gold"] for i in (1, 2, 3)] == ["bogus", "real", None]
    assert labels.report["gold"] == {"real": 1, "bogus": 1}
    assert not labels.report["warnings"]
    labels, rows = label()
    assert [rows[i]["gold"] for i in (1, 2)] == ["real", "bogus"]
    assert any("order of the answers" in warning for warning in labels.report["warnings"])


def test_fakes_are_real_and_a_file_knows_better(label, project, subjects, people, make_directory, gold_file):
    directory = make_directory(metadata=lambda i: {"pixelFlags_injected": str(i < 4).lower()})
    for subject in subjects:
        project.classify(subject, people[0], "Real")
    subjects[1].metadata |= {"#training_subject": "true", "#feedback_1_answer": "1"}
    path = gold_file({3: "Bogus", 4: "1", 99: "real"}).path
    _, rows = label(directory, gold=GoldChoice(path, fakes="pixelFlags_injected"))
    assert [rows[i]["gold"] for i in range(1, 6)] == ["real", "bogus", "bogus", "bogus", None]


@pytest.mark.parametrize(("write", "suffix"), [(write_csv, "csv"), (write_table, "parquet")])
def test_a_file_has_answers_or_the_labels_of_a_gallery(
    label, project, subjects, people, tmp_path, write, suffix
):
    for subject in subjects:
        project.classify(subject, people[0], "Real")

    def found(ids, **columns):
        path = tmp_path / f"gold.{suffix}"
        texts = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        write(pa.table({"diaSourceId": pa.array(ids, pa.int64()), **texts}), path)
        _, rows = label(gold=GoldChoice(path))
        return [rows[i]["gold"] for i in (1, 2, 3)]

    assert found([1, 2, 3], label=["real", "unsure", "bogus"]) == ["real", None, "bogus"]
    assert found([1, 3], label=["real"] * 2, answer=["bogus", " Real "]) == ["bogus", None, "real"]
    assert found([], answer=[]) == [None] * 3


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"fakes": "pixelFlags_injected"}, "add it to manifestColumns"),
        ({"answers": ("Real", "Other")}, "name them all"),
        ({"path": {"1": "perhaps"}}, "Row 2"),
        ({"path": {"one": "real"}}, "Row 2"),
        ({"path": "missing"}, "cannot be read"),
        ({"path": "other"}, "no column 'diaSourceId'"),
    ],
)
def test_gold_that_cannot_be_understood_is_refused(
    label, project, subjects, people, tmp_path, gold_file, choice, reason
):
    for person, value in zip(people, ("Real", "Bogus"), strict=False):
        project.classify(subjects[0], person, value)
    (tmp_path / "other").write_text("a,b\n1,2\n")
    if isinstance(path := choice.get("path"), dict):
        choice = {"path": gold_file(path).path}
    elif path is not None:
        choice = {"path": tmp_path / path}
    with pytest.raises(CutoutsError, match=reason):
        label(gold=GoldChoice(**choice))


def test_weights_need_sources_of_which_something_is_known(label, project, subjects, people):
    project.classify(subjects[0], people[0], "Real")
    with pytest.raises(CutoutsError, match="gold standard"):
        label(method=Weights())


@pytest.mark.parametrize(
    "constants",
    [{"accept": 0.1}, {"reject": -1}, {"prior": 0}, {"prior": 1.0}, {"skill_min": 0.96}, {"skill_max": 1.0}],
)
def test_constants_that_make_no_sense_are_refused(constants):
    with pytest.raises(CutoutsError):
        Weights(**constants)
    assert math.isclose(Weights().accept, 0.9)
