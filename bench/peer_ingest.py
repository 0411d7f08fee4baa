"""The tables of a shop read by pyarrow, or by pandas without it: typed columns, nothing checked.

python3 bench/peer_ingest.py FOLDER prints one line of JSON on FOLDER/shop: the reading alone, and
under "more" the reading with events and offers then ordered by user and all written to Parquet
files (to pickles without pyarrow).
"""
import json
import os
import sys
import tempfile
import time

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
TURNS = 2
TABLES = {"users": {"age": int, "income": int, "household": int},
          "products": {"list_price": float, "unit_cost": float},
          "events": {"quantity": int, "unit_price": float, "discount": float},
          "offers": {"discount": float, "propensity": float, "shown": int, "clicked": int,
                     "redeemed": int, "quantity": int, "revenue": float}}
TIMES = {"events": "time", "offers": "time", "users": "joined"}


def open_arrow():
    import pyarrow
    from pyarrow import csv, parquet
    pyarrow.set_cpu_count(THREADS)
    kinds = {int: pyarrow.int64(), float: pyarrow.float64()}

    def read(path, name):
        types = {column: kinds[kind] for column, kind in TABLES[name].items()}
        if name in TIMES:
            types[TIMES[name]] = pyarrow.timestamp("s")
        return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))

    def write(table, name, path):
        ordered = table.sort_by("user_id") if name in ("events", "offers") else table
        parquet.write_table(ordered, path)
    return f"pyarrow {pyarrow.__version__}", read, write


def open_pandas():
    import pandas

    def read(path, name):
        times = [TIMES[name]] if name in TIMES else []
        return pandas.read_csv(path, dtype=TABLES[name], parse_dates=times)

    def write(table, name, path):
        ordered = table.sort_values("user_id") if name in ("events", "offers") else table
        ordered.to_pickle(path)
    return f"pandas {pandas.__version__}", read, write


def turn(shop, folder, read, write):
    """Rows, seconds of reading, seconds of all."""
    start, reading, rows = time.perf_counter(), 0.0, 0
    for name in TABLES:
        begin = time.perf_counter()
        table = read(os.path.join(shop, name + ".csv"), name)
        reading += time.perf_counter() - begin
        write(table, name, os.path.join(folder, name))
        rows += len(table)
    return rows, reading, time.perf_counter() - start


def main():
    try:
        peer, read, write = open_arrow()
    except ImportError:
        peer, read, write = open_pandas()
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
        turns = [turn(os.path.join(sys.argv[1], "shop"), folder, read, write) for _ in range(TURNS)]
    rows, reading, all_of_it = turns[0][0], min(t[1] for t in turns), min(t[2] for t in turns)
    print(json.dumps({
        "peer": f"{peer} reading alone", "rows": rows, "threads": THREADS,
        "seconds": round(reading, 3), "rows_per_second": float(f"{rows / reading:.4g}"),
        "more": [{"peer": "ordering by user and writing, too", "seconds": round(all_of_it, 3),
                  "rows_per_second": float(f"{rows / all_of_it:.4g}")}]}))


if __name__ == "__main__":
    main()
