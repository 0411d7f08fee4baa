"""The table of bench_csv read into typed columns by pyarrow, and by pandas: nothing checked.

python3 bench/peer_csv.py FILE prints one line of JSON: pyarrow.csv.read_csv, whole table in memory,
and under "more" its streaming reader, chunk by chunk as bench_csv does it, and pandas.read_csv. The
sums show that all read the same.
"""
import json
import os
import resource
import sys
import time

import pyarrow
import pyarrow.compute
from pyarrow import csv

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
TURNS = int(os.environ.get("REMISE_BENCH_TURNS", "3"))


def arrow_options():
    level = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    types = {"id": pyarrow.int64(), "user": pyarrow.string(), "product": level,
             "time": pyarrow.timestamp("s"), "quantity": pyarrow.int64(),
             "price": pyarrow.float64(), "kind": level, "note": pyarrow.string()}
    return {"parse_options": csv.ParseOptions(newlines_in_values=True),
            "convert_options": csv.ConvertOptions(column_types=types)}


def read_arrow(path):
    return csv.read_csv(path, **arrow_options())


def stream_arrow(path):
    rows = 0
    with csv.open_csv(path, **arrow_options()) as reader:
        for batch in reader:
            rows += batch.num_rows
    return rows


def read_pandas(path):
    import pandas
    types = {"id": "int64", "user": "str", "product": "category", "quantity": "int64",
             "price": "float64", "kind": "category", "note": "str"}
    return pandas.read_csv(path, dtype=types, parse_dates=["time"])


def measure(read, path, turns):
    """The result; seconds, and seconds of all threads together, of the fastest turn."""
    best = [1e30, 1e30]
    for _ in range(turns):
        result = None  # what the last turn made goes first
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        result = read(path)
        seconds, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
        cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        best = min(best, [seconds, cpu])
    return result, best


def byte_sum(column):
    """Of all bytes of all texts: chunk by chunk, from the buffer that holds them."""
    total = 0
    for chunk in column.chunks:
        first, last = (memoryview(chunk.buffers()[1]).cast("i")[chunk.offset + i]
                       for i in (0, len(chunk)))
        total += sum(memoryview(chunk.buffers()[2]).cast("B")[first:last])
    return total


def sums_of(table):
    compute = pyarrow.compute
    levels = sum(len(compute.unique(table[name].cast(pyarrow.string())))
                 for name in ("product", "kind"))
    cents = compute.sum(compute.floor(compute.add(compute.multiply(table["price"], 100.0), 0.5)))
    return [len(table), compute.sum(table["id"]).as_py(),
            compute.sum(table["time"].cast(pyarrow.int64())).as_py(),
            compute.sum(table["quantity"]).as_py(), int(cents.as_py()), levels,
            byte_sum(table["user"]), byte_sum(table["note"])]


def entry(peer, rows, best):
    return {"peer": peer, "threads": THREADS, "seconds": round(best[0], 3),
            "cpu_seconds": round(best[1], 3), "rows_per_second": float(f"{rows / best[0]:.4g}")}


def main():
    path = sys.argv[1]
    pyarrow.set_cpu_count(THREADS)
    name = f"pyarrow {pyarrow.__version__}"
    table, best = measure(read_arrow, path, TURNS)
    rows = len(table)
    first = entry(f"{name} read_csv", rows, best)
    first["sums"] = sums_of(table)
    del table
    first["more"] = [entry(f"{name} open_csv", rows, measure(stream_arrow, path, TURNS)[1])]
    try:
        frame, best = measure(read_pandas, path, 1)
        import pandas
        first["more"].append(entry(f"pandas {pandas.__version__}", rows, best))
    except ImportError:
        pass
    print(json.dumps(first))


if __name__ == "__main__":
    main()
