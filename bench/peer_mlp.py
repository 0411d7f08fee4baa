"""The training of bench_mlp by PyTorch: the same rows, shapes, batch and optimiser, on 2 threads.

python3 bench/peer_mlp.py [ROWS [COLUMNS [BATCH [EPOCHS [HIDDEN]]]]] prints one line of JSON. HIDDEN
lists the units of the hidden layers, 128,64 unless given.
"""
import json
import os
import sys
import time

import numpy as np
import torch

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


def make_rows(rows, columns):
    """Uniform in [-1, 1): the top 24 bits of SplitMix64 of the cell's number."""
    z = np.arange(1, rows * columns + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    x = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    x = x.reshape(rows, columns)
    half = columns // 2
    y = x[:, :half].sum(1, dtype=np.float64) > x[:, half:].sum(1, dtype=np.float64)
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.float32))[:, None]


def epoch(model, optimiser, loss, x, y, batch):
    total = 0.0
    order = torch.randperm(x.shape[0])
    for first in range(0, x.shape[0], batch):
        rows = order[first:first + batch]
        optimiser.zero_grad(set_to_none=True)
        value = loss(model(x[rows]), y[rows])
        value.backward()
        optimiser.step()
        total += value.item() * rows.numel()
    return total / x.shape[0]


def main():
    defaults = [262144, 32, 8192, 5]
    rows, columns, batch, epochs = [int(a) for a in sys.argv[1:5]] + defaults[len(sys.argv) - 1:]
    hidden = [int(units) for units in (sys.argv[5:] or ["128,64"])[0].split(",")]
    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    x, y = make_rows(rows, columns)
    sizes = [columns] + hidden
    layers = [layer for a, b in zip(sizes, hidden)
              for layer in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 1))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss = torch.nn.BCEWithLogitsLoss()
    weights = sum(a * b for a, b in zip(sizes, hidden + [1]))
    start = time.perf_counter()
    losses = [epoch(model, optimiser, loss, x, y, batch) for _ in range(epochs)]
    seconds = time.perf_counter() - start
    rate = rows * epochs / seconds
    print(json.dumps({
        "peer": "pytorch", "rows": rows, "columns": columns, "batch": batch, "threads": THREADS,
        "epochs": epochs, "seconds": round(seconds, 4), "rows_per_second": float(f"{rate:.4g}"),
        "gflops": round(6e-9 * weights * rate, 1), "loss": float(f"{losses[-1]:.9g}")}))


if __name__ == "__main__":
    main()
