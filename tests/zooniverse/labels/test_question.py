"""Workflow, versions, task and answers: found where there is but one, asked for where there are several."""

import pytest
from tests.zooniverse.volunteers import Project

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.zooniverse import Consensus, QuestionChoice


@pytest.fixture
def refused(label):
    def why(**options):
        with pytest.raises(CutoutsError) as caught:
            label(**options)
        return f"{caught.value} {' '.join(caught.value.choices)}"

    return why


def ask(project, subjects, people, *values):
    for person, value in zip(people, values, strict=False):
        project.classify(subjects[0], person, value)


def test_several_workflows_are_told_and_one_is_chosen(project, subjects, people, label, refused):
    ask(project, subjects, people, "Real", "Real")
    other = Project(workflow=78, name="Beta, closed")
    other.rows = project.rows
    ask(other, subjects, people[2:], "Bogus", "Bogus")
    reason = refused()
    assert "77 Real or bogus? (2)" in reason
    assert "78 Beta, closed (2)" in reason
    assert reason.endswith("Choose one. workflow")
    labels, rows = label(question=QuestionChoice(workflow=78))
    assert rows[1]["votes_bogus"] == 2
    assert "votes_real" not in rows[1]
    assert labels.report["classifications"]["read"] == 4
    assert labels.report["classifications"]["of other workflows"] == 2
    assert labels.report["workflow"] == {"id": 78, "name": "Beta, closed", "versions": ["12.34"]}
    assert "no classifications of workflow 7" in refused(question=QuestionChoice(workflow=7))


def test_a_workflow_may_change_its_name(project, subjects, people, label):
    ask(project, subjects, people, "Real")
    project.name = "Real or not?"
    ask(project, subjects, people[1:], "Real")
    labels, rows = label()
    assert rows[1]["votes_real"] == 2
    assert labels.report["workflow"]["name"] == "Real or not?"


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (None, 6),
        ("12", 4),
        ("12.9", 1),
        ("12.9:", 5),
        (":12.9", 2),
        ("12.9:12.10", 2),
        ("12:13", 5),
        ("13:", 2),
        (":12", 4),
    ],
)
def test_versions_are_no_decimal_fractions(project, subjects, people, label, versions, expected):
    for number, version in enumerate(("12.8", "12.9", "12.10", "12.100", "13.1", "14.0")):
        project.version = version
        project.classify(subjects[number % 5], people[number % 4], "Real")
    labels, rows = label(question=QuestionChoice(versions=versions))
    assert sum(row["votes_real"] for row in rows.values()) == expected
    assert labels.report["classifications"]["of other versions or tasks"] == 6 - expected


def test_versions_that_are_not_there_are_refused(project, subjects, people, refused):
    ask(project, subjects, people, "Real", "Real")
    assert "there are 12.34" in refused(question=QuestionChoice(versions="13:"))
    assert "no version and no range" in refused(question=QuestionChoice(versions="latest"))


def test_several_tasks_are_told_and_one_is_chosen(project, subjects, people, label, refused):
    both = [{"task": "T0", "value": "Real"}, {"task": "T3", "value": "Near a galaxy"}]
    project.classify(subjects[0], people[0], None, annotations=both)
    odd = [{"task": None, "value": [{"choice": "x"}]}, {"task": "T0", "value": "Bogus"}]
    project.classify(subjects[0], people[1], None, annotations=odd)
    assert "T0, T3. Choose one. task" in refused()
    labels, rows = label(question=QuestionChoice(task="T0"))
    assert (rows[1]["votes_real"], rows[1]["votes_bogus"]) == (1, 1)
    assert labels.report["task"] == "T0"
    assert "there are T0, T3" in refused(question=QuestionChoice(task="T9"))
    assert "Near a galaxy. real bogus" in refused(question=QuestionChoice(task="T3"))


def test_drawings_and_texts_are_no_questions(project, subjects, people, label):
    drawing = {"task": "T1", "value": [{"x": 3.5, "y": 4.0, "tool": 0, "frame": 0}]}
    for number in range(300):
        text = {"task": "T2", "value": f"remark number {number}"}
        answer = {"task": "T0", "value": "Real" if number % 3 else "Bogus"}
        project.classify(subjects[0], people[0], None, annotations=[drawing, text, answer])
    labels, rows = label()
    assert labels.report["task"] == "T0"
    assert rows[1]["volunteers"] == 1


def test_tasks_of_a_combination_are_found(project, subjects, people, label):
    combination = {"task": "T9", "task_label": None, "value": [{"task": "T0", "value": "Real"}]}
    project.classify(subjects[0], people[0], None, annotations=[combination])
    _, rows = label()
    assert rows[1]["votes_real"] == 1


def test_the_usual_words_are_understood(project, subjects, people, label):
    ask(project, subjects, people, "Yes", "No", "Yes")
    labels, rows = label()
    assert (rows[1]["votes_yes"], rows[1]["votes_no"], rows[1]["p_real"]) == (2, 1, pytest.approx(2 / 3))
    assert labels.report["answers"] == {"real": ["yes"], "bogus": ["no"], "other": []}


def test_other_words_are_asked_for(project, subjects, people, label, refused):
    ask(project, subjects, people, "A new star!", "Artefact", "Satellite trail", None)
    assert "They are A new star!, Artefact, Satellite trail. real bogus" in refused()
    question = QuestionChoice(real=("a new star",), bogus=("Artefact", "Satellite trail"))
    _, rows = label(question=question)
    assert rows[1]["p_real"] == pytest.approx(1 / 3)
    assert rows[1]["unanswered"] == 1
    assert rows[1]["volunteers"] == 4
    assert [rows[1][f"votes_{a}"] for a in ("a_new_star", "artefact", "satellite_trail")] == [1, 1, 1]
    assert "Nobody answered 'Rael'" in refused(question=QuestionChoice(real=("Rael",)))
    assert "both real and bogus" in refused(
        question=QuestionChoice(real=("Artefact",), bogus=("Artefact", "Satellite trail"))
    )


def test_an_answer_that_nobody_gave_yet_has_its_columns(project, subjects, people, label):
    ask(project, subjects, people, "Real", "Real")
    _, rows = label(question=QuestionChoice(real=("Real",), bogus=("Bogus",)))
    assert (rows[1]["votes_real"], rows[1]["votes_bogus"]) == (2, 0)


def test_the_words_of_several_versions_are_one_answer(project, subjects, people, label):
    ask(project, subjects, people, "Real", "real!", "Real?", "Bogus")
    _, rows = label()
    assert (rows[1]["votes_real"], rows[1]["votes_bogus"], rows[1]["fraction_real"]) == (3, 1, 0.75)


def test_an_answer_that_is_neither_has_its_votes_and_its_label(project, subjects, people, label):
    ask(project, subjects, people, "Real", "Not sure", "Not sure", "Not sure")
    ask(project, subjects[1:], people, "Real", "Real", "Not sure", "Bogus")
    _, rows = label(method=Consensus())
    assert (rows[1]["votes_not_sure"], rows[1]["fraction_not_sure"]) == (3, 0.75)
    assert (rows[1]["label"], rows[1]["p_real"]) == ("not_sure", 1.0)
    assert (rows[2]["label"], rows[2]["votes_not_sure"]) == ("real", 1)


def test_several_answers_of_one_volunteer_all_count(project, subjects, people, label):
    question = QuestionChoice(real=("Supernova", "Variable star"), bogus=("Dipole",))
    ask(project, subjects, people, ["Supernova", "Variable star"], ["Dipole"], ["Dipole", "Supernova"], [])
    _, rows = label(question=question)
    assert [rows[1][f"votes_{a}"] for a in ("supernova", "variable_star", "dipole")] == [2, 1, 2]
    assert rows[1]["p_real"] == 0.5  # who says both says nothing
    assert rows[1]["fraction_supernova"] == pytest.approx(2 / 3)
