#!/usr/bin/env python3
"""Loss curves of three small networks by PyTorch from the weights and rows of tests/test_network.c.

Every step takes all rows, so the order of rows does not matter. Prints the constants of the test:
python3 -P tests/goldens/network.py
"""
import torch
from torch import nn

ROWS, COLUMNS, EPOCHS = 300, 5, 12
torch.set_default_dtype(torch.float32)
i = torch.arange(ROWS)[:, None]
j = torch.arange(COLUMNS)[None, :]
x = ((i * 7 + j * 13 + i * j * 3) % 23).float() / 11 - 1
value = 0.8 * x[:, 0] - 0.5 * x[:, 1] * x[:, 2] + 0.25
truth = ((i[:, 0] * 29) % 31 < 31 * torch.sigmoid(2 * value)).float()
dose = (i[:, 0] % 4).float() / 10
weight = 1 + (i[:, 0] % 3).float() / 2
prior = torch.where(i[:, 0] % 5 == 0, 0.0, 1.5 + (i[:, 0] % 7).float() / 4)


def network(hidden, outputs, activation):
    sizes = [COLUMNS, *hidden, outputs]
    layers = []
    for at in range(len(sizes) - 1):
        layers += [nn.Linear(sizes[at], sizes[at + 1])]
        layers += [activation()] if at < len(sizes) - 2 else []
    model = nn.Sequential(*layers)
    k = 0
    with torch.no_grad():
        for p in model.parameters():  # weight[outputs][inputs], bias[outputs], layer by layer
            number = torch.arange(k, k + p.numel())
            p.copy_((((number * 37 + 11) % 101).float() / 101 - 0.5).reshape(p.shape))
            k += p.numel()
    return model


def curve(model, optimiser, loss):
    losses = []
    for _ in range(EPOCHS):
        optimiser.zero_grad()
        value_ = loss(model(x))
        value_.backward()
        optimiser.step()
        losses.append(value_.item())
    return losses


def structural(out):
    b = nn.functional.softplus(out[:, 1])
    row = nn.BCEWithLogitsLoss(reduction="none")(out[:, 0] + b * dose, truth)
    pull = torch.where(prior > 0, (b.log() - prior.clamp_min(1e-9).log()) ** 2, 0.0)
    return (weight * (row + 0.05 * pull)).sum() / weight.sum()


def show(name, losses):
    print(f"static const double {name}[EPOCHS] = {{" + ", ".join(f"{v:.8g}" for v in losses) + "};")


bce = nn.BCEWithLogitsLoss()
m = network([9, 6], 1, nn.ReLU)
adam = torch.optim.Adam(m.parameters(), lr=0.02)
show("GOLDEN_MSE", curve(m, adam, lambda out: ((out[:, 0] - value) ** 2).mean()))
m = network([9, 6], 1, nn.Tanh)
sgd = torch.optim.SGD(m.parameters(), lr=0.3, momentum=0.9)
show("GOLDEN_BCE", curve(m, sgd, lambda out: bce(out[:, 0], truth)))
m = network([17], 2, nn.Sigmoid)
decay = torch.optim.AdamW(m.parameters(), lr=0.05, weight_decay=0.1)
show("GOLDEN_STRUCTURAL", curve(m, decay, structural))
