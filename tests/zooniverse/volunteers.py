"""Volunteers who do not exist, and the exports that Zooniverse would make of their work.

Real volunteers see a picture. These see the reliability in the metadata of
each subject and take it for the probability that the source is real: a fixed
draw for each diaSourceId is the truth, which each of them finds out as often
as it is skilled.

python tests/zooniverse/volunteers.py --api http://localhost:8000/api --subject-set 55 exports/
"""

import argparse
import csv
import gzip
import hashlib
import json
import random
import sys
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

CLASSIFICATIONS = [
    *("classification_id", "user_name", "user_id", "user_ip", "workflow_id", "workflow_name"),
    *("workflow_version", "created_at", "gold_standard", "expert", "metadata", "annotations"),
    *("subject_data", "subject_ids"),
]
SUBJECTS = [
    *("subject_id", "project_id", "workflow_id", "subject_set_id", "metadata", "locations"),
    *("classifications_count", "retired_at", "retirement_reason", "created_at", "updated_at"),
]
START = datetime(2026, 1, 10, 12, tzinfo=UTC)


@dataclass
class Subject:
    """What volunteers are asked about."""

    number: int
    metadata: dict
    locations: list = field(default_factory=list)
    classifications: int = 0
    retired: dict | None = None


@dataclass(frozen=True)
class Volunteer:
    """Somebody who knows real from bogus, more or less."""

    name: str
    user: int | None
    real: float
    bogus: float

    def judge(self, is_real, rng):
        """Return whether they say that a source is real."""
        return rng.random() < self.real if is_real else rng.random() >= self.bogus


class Project:
    """A workflow with one question, and everything that was done in it."""

    def __init__(
        self, *, workflow=77, name="Real or bogus?", version="12.34", task="T0", answers=("Real", "Bogus")
    ):
        self.workflow, self.name, self.version, self.task = workflow, name, version, task
        self.answers = answers
        self.rows = []
        self.clock = START

    def classify(self, subject, volunteer, value, *, at=None, identifier=None, annotations=None):
        """Let a volunteer give an answer."""
        self.clock += timedelta(seconds=7)
        at = at or self.clock
        subject.classifications += 1
        if annotations is None:
            annotations = [{"task": self.task, "task_label": "Is this a real source?", "value": value}]
        row = {
            "classification_id": identifier or 500_000_000 + len(self.rows),
            "user_name": volunteer.name,
            "user_id": volunteer.user,
            "user_ip": hashlib.sha1(volunteer.name.encode()).hexdigest()[:20],
            "workflow_id": self.workflow,
            "workflow_name": self.name,
            "workflow_version": self.version,
            "created_at": f"{at:%Y-%m-%d %H:%M:%S} UTC",
            "metadata": {"source": "api", "user_agent": 'Mozilla/5.0 ("X11", Linux)', "user_language": "en"},
            "annotations": annotations,
            "subject_data": subject,
            "subject_ids": subject.number,
        }
        self.rows.append(row)
        return row

    def retire(self, subject, reason="consensus"):
        """Take a subject out of the workflow."""
        at = f"{self.clock:%Y-%m-%dT%H:%M:%S}.000Z"
        subject.retired = {
            "id": 10_000 + subject.number,
            "workflow_id": self.workflow,
            "classifications_count": subject.classifications,
            "created_at": at,
            "updated_at": at,
            "retired_at": at,
            "subject_id": subject.number,
            "retirement_reason": reason,
        }

    def write_classifications(self, path, rows=None):
        """Write a classification export."""
        with _open(path) as stream:
            writer = csv.DictWriter(stream, CLASSIFICATIONS, restval="", lineterminator="\n")
            writer.writeheader()
            for row in self.rows if rows is None else rows:
                writer.writerow({name: _cell(value) for name, value in row.items()})
        return path

    def write_subjects(self, path, subjects):
        """Write a subject export."""
        with _open(path) as stream:
            writer = csv.DictWriter(stream, SUBJECTS, restval="", lineterminator="\n")
            writer.writeheader()
            for subject in subjects:
                row = {
                    "subject_id": subject.number,
                    "project_id": 1,
                    "workflow_id": self.workflow,
                    "subject_set_id": 55,
                    "metadata": json.dumps(subject.metadata),
                    "locations": json.dumps(dict(enumerate(subject.locations))),
                    "classifications_count": subject.classifications,
                }
                if subject.retired:
                    row |= {name: subject.retired[name] for name in ("retired_at", "retirement_reason")}
                writer.writerow(row)
        return path


def _open(path):
    opener = gzip.open if Path(path).suffix == ".gz" else open
    return opener(path, "wt", newline="", encoding="utf-8")


def _cell(value):
    if isinstance(value, Subject):
        value = {str(value.number): {"retired": value.retired, **value.metadata}}
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict | list) else value


def is_real(subject, seed=0):
    """Return the truth about a subject: as often real as its reliability says."""
    metadata = _metadata(subject)
    draw = random.Random(f"{seed} {metadata.get('diaSourceId', subject.number)}").random()
    return draw < float(metadata.get("reliability") or 0.5)


def _metadata(subject):
    return {name.lstrip("#/!%"): value for name, value in subject.metadata.items()}


def make_volunteers(number, rng):
    """Return some volunteers, one in four without account."""
    return [
        Volunteer(
            f"volunteer {i}" if i % 4 else f"not-logged-in-{rng.randbytes(10).hex()}",
            1000 + i if i % 4 else None,
            rng.uniform(0.75, 0.98),
            rng.uniform(0.7, 0.97),
        )
        for i in range(number)
    ]


def work(project, subjects, volunteers, rng, *, truth=is_real, gold=(), most=7, agreeing=2):
    """Let volunteers classify until every subject is retired.

    A subject is retired when the first volunteers agree, or after so many
    classifications. Everybody sees every gold subject, which is never retired.
    """
    for subject in subjects:
        kind = truth(subject)
        crowd = list(volunteers) if subject.number in gold else rng.sample(volunteers, most)
        said = []
        for volunteer in crowd:
            said.append(volunteer.judge(kind, rng))
            project.classify(subject, volunteer, project.answers[0 if said[-1] else 1])
            if subject.number not in gold and len(said) == agreeing and len(set(said)) == 1:
                break
        if subject.number not in gold:
            project.retire(subject, "consensus" if len(said) < most else "classification_count")


def fetch_subjects(api, subject_set):
    """Ask the API for the subjects of a set, as anybody can."""
    subjects, page = [], 1
    while True:
        request = urllib.request.Request(
            f"{api}/subjects?subject_set_id={subject_set}&page_size=100&page={page}",
            headers={"Accept": "application/vnd.api+json; version=1"},
        )
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer)
        for row in found["subjects"]:
            places = [url for place in row["locations"] for url in place.values()]
            subjects.append(Subject(int(row["id"]), row["metadata"], places))
        if page >= found["meta"]["subjects"]["page_count"]:
            return sorted(subjects, key=lambda subject: int(_metadata(subject)["diaSourceId"]))
        page += 1


def _write_answers(path, subjects):
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["diaSourceId", "answer"])
        for subject in subjects:
            answer = "real" if is_real(subject) else "bogus"
            writer.writerow([_metadata(subject)["diaSourceId"], answer])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "out", type=Path, help="directory for the exports, truth.csv and gold.csv; made if needed"
    )
    parser.add_argument("--api", required=True, help="URL of the API")
    parser.add_argument("--subject-set", required=True, help="number of the subject set")
    parser.add_argument("--volunteers", type=int, default=40)
    parser.add_argument("--gold", type=float, default=0.2, help="fraction of subjects that are gold standard")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    rng = random.Random(arguments.seed)
    subjects = fetch_subjects(arguments.api, arguments.subject_set)
    gold = rng.sample(subjects, round(arguments.gold * len(subjects)))
    project = Project()
    work(project, subjects, make_volunteers(arguments.volunteers, rng), rng, gold={s.number for s in gold})
    arguments.out.mkdir(parents=True, exist_ok=True)
    project.write_classifications(arguments.out / "classifications.csv.gz")
    project.write_subjects(arguments.out / "subjects.csv", subjects)
    _write_answers(arguments.out / "truth.csv", subjects)
    _write_answers(arguments.out / "gold.csv", gold)
    print(f"{len(subjects)} subjects, {len(project.rows)} classifications, {len(gold)} gold subjects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
