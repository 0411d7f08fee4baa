"""The discount table of a run written by pandas' to_csv alone: no HDF5 file, digests or receipt.

python3 bench/peer_publish.py FOLDER prints one line of JSON on the table in FOLDER/run.
"""
import json
import os
import sys
import tempfile
import time

import pandas

TURNS = 2


def seconds_of(table, folder):
    start = time.perf_counter()
    with open(os.path.join(folder, "discounts.csv"), "w", encoding="utf-8", newline="") as file:
        table.to_csv(file, index=False)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - start


def main():
    table = pandas.read_csv(os.path.join(sys.argv[1], "run", "discounts.csv"))
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
        seconds = min(seconds_of(table, folder) for _ in range(TURNS))
    print(json.dumps({
        "peer": f"pandas {pandas.__version__} to_csv, CSV alone", "rows": len(table), "threads": 1,
        "seconds": round(seconds, 3), "rows_per_second": float(f"{len(table) / seconds:.4g}")}))


if __name__ == "__main__":
    main()
