"""Count the answers of a classification export with panoptes_aggregation, Zooniverse's own program.

It runs in the environment of that program, whose requirements are too old for
this package, and prints the votes by subject and answer as JSON.
"""

import csv
import json
import sys
import warnings
from collections import defaultdict

import pandas
from panoptes_aggregation.csv_utils import flatten_data
from panoptes_aggregation.extractors import question_extractor
from panoptes_aggregation.extractors.utilities import annotation_by_task
from panoptes_aggregation.reducers import question_reducer
from panoptes_aggregation.scripts.batch_utils import reduce_subject

warnings.simplefilter("ignore")
csv.field_size_limit(sys.maxsize)
subjects = defaultdict(list)
with open(sys.argv[1], newline="", encoding="utf-8") as stream:
    for row in csv.DictReader(stream):
        given = {"annotations": json.loads(row["annotations"]), "metadata": json.loads(row["metadata"])}
        data = question_extractor(annotation_by_task(given), task=sys.argv[2])
        names = ("classification_id", "user_name", "user_id", "workflow_id", "created_at")
        subjects[row["subject_ids"]].append({**{name: row[name] for name in names}, "data": data})
votes = {}
for subject, rows in subjects.items():
    users = [row["user_name"] for row in rows]
    if len(set(users)) == len(users):
        counts = question_reducer([row["data"] for row in rows], user_id=users)
    else:  # its filter takes a while
        table = flatten_data(pandas.DataFrame(rows))
        table["created_at"] = pandas.to_datetime(table["created_at"])
        (reduced,) = reduce_subject(
            subject, table, sys.argv[2], reducer_name="question_reducer", filter="last"
        )
        counts = reduced["data"]
    votes[subject] = {name: count for name, count in counts.items() if name != "aggregation_version"}
json.dump(votes, sys.stdout)
