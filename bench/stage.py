"""One line of JSON on a stage of a run: rows, the least of its seconds, the bytes it moves.

python3 bench/stage.py STAGE FOLDER LOG... reads the stage tables in the logs of a run and of the
stage done again; FOLDER holds shop/ and run/. Rows are those read by ingest, else those of the
discount table. Bytes are those of the files read and written: tables and data set for ingest, data
set and candidates for recommend, both discount tables for publish.
"""
import glob
import json
import os
import re
import sys

READ = {"recommend": ["dataset.h5"]}
WRITTEN = {"ingest": ["dataset.h5"], "recommend": ["candidates.h5"],
           "publish": ["discounts.csv", "discounts.h5"]}


def seconds_of(stage, logs):
    found = re.findall(rf"^{stage} +([0-9.]+) +[0-9]+$", logs, re.MULTILINE)
    if not found:
        sys.exit(f"no line on {stage} in the logs")
    return min(float(text) for text in found)


def rows_of(stage, folder, logs):
    if stage == "ingest":
        first = logs.split("DONE:")[0]
        return sum(int(rows) for rows in re.findall(r": ([0-9]+) rows read", first))
    with open(os.path.join(folder, "run", "receipt.json"), encoding="utf-8") as file:
        return json.load(file)["rows"]


def bytes_of(stage, folder):
    files = [os.path.join(folder, "run", name) for name in READ.get(stage, []) + WRITTEN[stage]]
    if stage == "ingest":
        files += glob.glob(os.path.join(folder, "shop", "*.csv"))
    return sum(os.path.getsize(file) for file in files)


def main():
    stage, folder = sys.argv[1:3]
    logs = ""
    for path in sys.argv[3:]:
        with open(path, encoding="utf-8") as file:
            logs += file.read()
    seconds, rows = seconds_of(stage, logs), rows_of(stage, folder, logs)
    print(json.dumps({
        "bench": stage, "rows": rows, "seconds": seconds,
        "rows_per_second": float(f"{rows / seconds:.4g}"),
        "gigabytes_per_second": round(1e-9 * bytes_of(stage, folder) / seconds, 3)}))


if __name__ == "__main__":
    main()
