#!/usr/bin/env python3
"""Loss curves of towers (a sequence encoder, plain values beside what it hands on, a dense head) by
PyTorch from the weights and rows of tests/test_tower.c.

Every step takes all rows, so the order of rows does not matter. Prints the constants of the test:
python3 -P tests/goldens/tower.py
"""
import torch
from torch import nn

ROWS, STEPS, CHANNELS, PLAIN, EPOCHS = 120, 6, 2, 5, 12
i = torch.arange(ROWS)[:, None]
j = torch.arange(STEPS * CHANNELS + PLAIN)[None, :]
x = ((i * 7 + j * 13 + i * j * 3) % 23).float() / 11 - 1
value = 0.8 * x[:, 0] - 0.5 * x[:, 5] * x[:, 14] + 0.25 * x[:, 16]
truth = (x[:, 3] + x[:, 13] > 0).float()
sequence = x[:, : STEPS * CHANNELS].reshape(ROWS, STEPS, CHANNELS)
plain = x[:, STEPS * CHANNELS :]


class Recurrent(nn.Module):
    def __init__(self, kind, units, hidden, activation):
        super().__init__()
        self.encoder = kind(CHANNELS, units, batch_first=True)
        self.dense, self.head = nn.Linear(units + PLAIN, hidden), nn.Linear(hidden, 1)
        self.activation = activation

    def forward(self):
        out = torch.cat([self.encoder(sequence)[0][:, -1], plain], 1)
        return self.head(self.activation(self.dense(out)))[:, 0]


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Conv1d(CHANNELS, 4, 3)
        self.head = nn.Linear(2 * 4 + PLAIN, 1)

    def forward(self):
        out = nn.functional.max_pool1d(torch.tanh(self.encoder(sequence.transpose(1, 2))), 2)
        return self.head(torch.cat([out.transpose(1, 2).flatten(1), plain], 1))[:, 0]


def fill(model):
    k = 0
    with torch.no_grad():
        for p in model.parameters():
            number = torch.arange(k, k + p.numel())
            flat = ((number * 37 + 11) % 101).float() / 101 - 0.5
            k += p.numel()
            if p.dim() == 3:  # weight[filters][width][channels] here
                filters, channels, width = p.shape
                p.copy_(flat.reshape(filters, width, channels).transpose(1, 2))
            else:
                p.copy_(flat.reshape(p.shape))
    return model


def curve(name, model, optimiser, loss, y):
    losses = []
    for _ in range(EPOCHS):
        optimiser.zero_grad()
        value_ = loss(model(), y)
        value_.backward()
        optimiser.step()
        losses.append(value_.item())
    print(f"static const double {name}[EPOCHS] = {{" + ", ".join(f"{v:.8g}" for v in losses) + "};")


m = fill(Recurrent(nn.GRU, 7, 6, torch.relu))
curve("GOLDEN_GRU", m, torch.optim.Adam(m.parameters(), lr=0.02), nn.BCEWithLogitsLoss(), truth)
m = fill(Recurrent(nn.LSTM, 5, 9, torch.tanh))
curve("GOLDEN_LSTM", m, torch.optim.Adam(m.parameters(), lr=0.02), nn.MSELoss(), value)
m = fill(Cnn())
curve("GOLDEN_CNN", m, torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9), nn.MSELoss(), value)
