"""Sixteen ordinary modules with samples they take, tiny and untrained."""

import torch
from torch import nn
from torch.nn import functional

N, CLASSES = 45, 3


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(12, 16), nn.Linear(16, CLASSES)

    def forward(self, x):
        return self.last(functional.relu(self.first(x), inplace=True))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(12, 16), nn.Linear(16, 16), nn.Linear(16, CLASSES)

    def forward(self, x):
        hidden = functional.relu(self.first(x))
        return {"logits": self.last(hidden + functional.relu(self.middle(hidden)))}


class Tied(Residual):
    def forward(self, x):
        hidden = functional.relu(self.middle(functional.relu(self.first(x))))
        return self.last(functional.relu(self.middle(hidden)))


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 16)
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, dropout=0.1), 2)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, tokens):
        return self.head(self.blocks(self.embedding(tokens)).mean(1))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cells, self.head = kind(12, 16, batch_first=True), nn.Linear(16, CLASSES)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1]), None


def kinds() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """Name -> module and inputs."""
    torch.manual_seed(0)
    flat, sequences = torch.randn(N, 12), torch.randn(N, 5, 12)
    relu, head = nn.ReLU, nn.Linear(16, CLASSES)
    convolutions = [nn.Conv2d(1, 6, 3), nn.GroupNorm(2, 6), relu(), nn.Conv2d(6, 8, 3), relu(inplace=True)]
    return {
        "chain": (nn.Sequential(nn.Linear(12, 16), relu(), nn.Linear(16, 16), relu(), nn.Linear(16, CLASSES)), flat),
        "in place": (nn.Sequential(nn.Linear(12, 16), relu(inplace=True), nn.Linear(16, CLASSES)), flat),
        "batch norm after": (
            nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), relu(), nn.Dropout(0.5), nn.Linear(16, CLASSES)),
            flat,
        ),
        "batch norm before": (
            nn.Sequential(nn.BatchNorm1d(12), nn.Linear(12, 16), nn.PReLU(), head, nn.LogSoftmax(1)),
            flat,
        ),
        "functional": (Functional(), flat),
        "residual": (Residual(), flat),
        "tied": (Tied(), flat),
        "layer norm": (nn.Sequential(nn.Linear(12, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, CLASSES)), flat),
        "1-d convolution": (
            nn.Sequential(nn.Conv1d(2, 6, 3), relu(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, CLASSES)),
            torch.randn(N, 2, 16),
        ),
        "2-d convolutions": (
            nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(128, CLASSES)),
            torch.randn(N, 1, 8, 8),
        ),
        "3-d convolution": (
            nn.Sequential(nn.Conv3d(1, 6, 2), relu(), nn.Flatten(), nn.Linear(162, CLASSES)),
            torch.randn(N, 1, 4, 4, 4),
        ),
        "transformer": (Tokens(), torch.randint(0, 9, (N, 5))),
        "lstm": (Recurrent(nn.LSTM), sequences),
        "gru": (Recurrent(nn.GRU), sequences),
        "bfloat16": (Functional().to(torch.bfloat16), flat),
        "float64": (Functional().double(), flat),
    }


LABELS = torch.arange(N) % CLASSES
