#!/usr/bin/env python3
"""Loss curves of a convolutional network, a GRU, an LSTM and a GRU of codes by PyTorch from the
weights and rows of tests/test_layer.c.

Every step takes all rows, so the order of rows does not matter. Prints the constants of the test:
python3 -P tests/goldens/layer.py
"""
import torch
from torch import nn

ROWS, STEPS, CHANNELS, EPOCHS = 120, 8, 3, 12
i = torch.arange(ROWS)[:, None]
j = torch.arange(STEPS * CHANNELS)[None, :]
x = ((i * 7 + j * 13 + i * j * 3) % 23).float() / 11 - 1
value = 0.8 * x[:, 0] - 0.5 * x[:, 5] * x[:, 22] + 0.25
truth = (x[:, 4] + x[:, 21] > 0).float()
x = x.reshape(ROWS, STEPS, CHANNELS)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(CHANNELS, 5, 3), nn.Conv1d(5, 4, 2)
        self.dense, self.head = nn.Linear(4, 6), nn.Linear(6, 1)

    def forward(self, rows):
        out = nn.functional.max_pool1d(torch.relu(self.first(rows.transpose(1, 2))), 2)
        out = nn.functional.avg_pool1d(torch.tanh(self.second(out)), 2, 1)
        out = out.transpose(1, 2).flatten(1)  # [steps][channels]
        return self.head(nn.functional.softplus(self.dense(out)))[:, 0]


class Recurrent(nn.Module):
    def __init__(self, kind, first, second):
        super().__init__()
        self.first = kind(CHANNELS, first, batch_first=True)
        self.second = kind(first, second, batch_first=True)
        self.head = nn.Linear(second, 1)

    def forward(self, rows):
        return self.head(self.second(self.first(rows)[0])[0][:, -1])[:, 0]


class Codes(nn.Module):
    """Values as codes: 1 where they round to it, else 0."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(2, 3)
        self.layer = nn.GRU(3 * CHANNELS, 7, batch_first=True)
        self.head = nn.Linear(7, 1)

    def forward(self, rows):
        out = self.table((rows >= 0.5).long()).flatten(2)
        return self.head(self.layer(out)[0][:, -1])[:, 0]


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


def curve(name, model, optimiser, loss, y, clip=None):
    losses = []
    for _ in range(EPOCHS):
        optimiser.zero_grad()
        value_ = loss(model(x), y)
        value_.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        losses.append(value_.item())
    print(f"static const double {name}[EPOCHS] = {{" + ", ".join(f"{v:.8g}" for v in losses) + "};")


m = fill(Cnn())
curve("GOLDEN_CNN", m, torch.optim.Adam(m.parameters(), lr=0.02), nn.BCEWithLogitsLoss(), truth)
m = fill(Recurrent(nn.GRU, 7, 5))
curve("GOLDEN_GRU", m, torch.optim.Adam(m.parameters(), lr=0.02), nn.MSELoss(), value)
m = fill(Recurrent(nn.LSTM, 6, 4))
curve("GOLDEN_LSTM", m, torch.optim.SGD(m.parameters(), lr=4, momentum=0.9), nn.HuberLoss(),
      value, clip=0.01)
m = fill(Codes())
curve("GOLDEN_CODES", m, torch.optim.Adam(m.parameters(), lr=0.02), nn.MSELoss(), value)
