"""The training of bench_sequence by PyTorch: the same rows, networks, batch and optimiser, on 2
threads.

python3 bench/peer_sequence.py KIND [ROWS [BATCH [EPOCHS]]] prints one line of JSON; KIND is cnn,
gru or lstm.
"""
import json
import os
import sys
import time

import torch
from torch import nn

from peer_mlp import epoch, make_rows

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
STEPS, CHANNELS, UNITS = 32, 8, 32


class Cnn(nn.Sequential):
    """Takes [rows][channels][steps]."""

    def __init__(self):
        super().__init__(
            nn.Conv1d(CHANNELS, UNITS, 3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(UNITS, UNITS, 3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Flatten(), nn.Linear(6 * UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, 1))


class Recurrent(nn.Module):
    """Takes [rows][steps][channels]."""

    def __init__(self, kind):
        super().__init__()
        self.layer = kind(CHANNELS, UNITS, batch_first=True)
        self.head = nn.Linear(UNITS, 1)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def main():
    kind = sys.argv[1]
    defaults = [32768, 1024, 3]
    rows, batch, epochs = [int(a) for a in sys.argv[2:5]] + defaults[len(sys.argv) - 2:]
    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    x, y = make_rows(rows, STEPS * CHANNELS)
    x = x.reshape(rows, STEPS, CHANNELS)
    if kind == "cnn":  # as this library wants it
        x = x.transpose(1, 2).contiguous()
    model = Cnn() if kind == "cnn" else Recurrent({"gru": nn.GRU, "lstm": nn.LSTM}[kind])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss = nn.BCEWithLogitsLoss()
    start = time.perf_counter()
    losses = [epoch(model, optimiser, loss, x, y, batch) for _ in range(epochs)]
    seconds = time.perf_counter() - start
    print(json.dumps({
        "peer": "pytorch", "rows": rows, "batch": batch, "threads": THREADS, "epochs": epochs,
        "weights": sum(p.numel() for p in model.parameters()), "seconds": round(seconds, 4),
        "rows_per_second": float(f"{rows * epochs / seconds:.4g}"),
        "loss": float(f"{losses[-1]:.9g}")}))


if __name__ == "__main__":
    main()
