#!/bin/sh
# From the APDB of the demo to labelled stamps, with commands only: pictures, upload to a server that stands in for
# Zooniverse, volunteers who do not exist, labels, and the stamps of what has one.
set -eu
bin=$1 demo=$2 collection=$3 out=$4

rm -rf "$out"
mkdir -p "$out"
cutouts="$bin/zooniverseCutouts --quiet --collections $collection -c sizes=51 -c writeStamps=npy"
$cutouts --sqlitefile "$demo/apdb.sqlite3" "$demo/repo" "$out/subjects"

: >"$out/server"
"$bin/python" tests/zooniverse/stand_in.py >"$out/server" &
server=$!
trap 'kill $server' EXIT
waited=0
until [ "$(wc -l <"$out/server")" -ge 2 ]; do
    [ $((waited += 1)) -lt 100 ] || { echo "The server does not start." >&2; exit 1; }
    sleep 0.1
done
. "$out/server"
"$bin/zooniverseCutoutsUpload" --quiet "$out/subjects" 55
"$bin/zooniverseCutoutsUpload" --quiet --status "$out/subjects"

"$bin/python" tests/zooniverse/volunteers.py --api "$PANOPTES_ENDPOINT/api" --subject-set 55 "$out/exports"
"$bin/zooniverseCutoutsLabels" --quiet --method weights --gold "$out/exports/gold.csv" \
    "$out/subjects" "$out/exports/classifications.csv.gz" "$out/exports/subjects.csv"
$cutouts --catalog "$out/subjects/labels.parquet" --where "label == 'real' or label == 'bogus'" \
    "$demo/repo" "$out/labelled"

"$bin/python" - "$out" <<'EOF'
import sys

import numpy as np
import pandas as pd

out = sys.argv[1]
stamps, rows = np.load(f"{out}/labelled/stamps.npy"), pd.read_parquet(f"{out}/labelled/stamps_catalogue.parquet")
labels = pd.read_parquet(f"{out}/subjects/labels.parquet")
assert len(stamps) == len(rows) == labels["label"].notna().sum()
assert len(rows) > 0.9 * len(labels), f"only {len(rows)} of {len(labels)} sources have a label"
judged = rows[rows["gold"].isna()].merge(pd.read_csv(f"{out}/exports/truth.csv"), on="diaSourceId")
right = (judged["label"] == judged["answer"]).mean()
assert right > 0.9, f"{right:.0%} of the labels are right"
print(f"{len(rows)} labelled stamps in {out}/labelled; {right:.0%} of the labels of unknown sources are right.")
EOF
