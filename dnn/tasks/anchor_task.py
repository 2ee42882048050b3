"""The composite-function (anchor) task: does a transformer infer a map or memorise it, and do its neurons condense?

A sequence of nine tokens holds a key x and, right after it, two anchors; the answer is x + g(a1) + g(a2) with
g(1, 2, 3, 4) = (5, 1, -2, -8). Keys are for training where x mod 7 differs from their position, else for testing.
Two splits are in use. In the source's (Zhang et al., arXiv:2405.05409) the pair (3, 4) is trained with the wrong map
x - 6 and (4, 3) is never seen: for it a network that has inferred the anchors' functions answers x - 10, one that has
learnt symmetry x - 6. In that of the overview of condensation (section 7.2, fig. 10) neither pair is seen: a network
may answer both alike, or both with x - 10. What happens depends on the rate gamma of the initialisation
N(0, d_in^(-2 gamma)).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from dnn.data import Split
from dnn.networks.mlp import Rng
from dnn.networks.transformer import Transformer
from dnn.training.config import TrainConfig
from dnn.training.objectives import evaluate
from toymodels.condensation.similarity import cosine_similarity
from toymodels.validation import choice, finite, positive_int

ANCHOR_SHIFTS = {1: 5, 2: 1, 3: -2, 4: -8}
SHORTCUT_PAIR, UNSEEN_PAIR = (3, 4), (4, 3)
NEITHER_SEEN = (SHORTCUT_PAIR, UNSEEN_PAIR)  # the overview's split
INFERENTIAL_SHIFT, SYMMETRIC_SHIFT = -10, -6
LENGTH, LOWEST, HIGHEST = 9, 20, 99
N_POSITIONS = LENGTH - 2  # where a key may stand


@dataclass(frozen=True)
class AnchorTask:
    """Data, network and training of one anchor experiment.

    Parameters
    ----------
    gamma : float
        Rate of the initialisation.
    n_train, n_test : int
        Sequences drawn; the test part has trained pairs with test keys.
    vocabulary : int
        At least 110, the largest answer and one.
    d_model, d_key, d_value, d_hidden, n_layers : int
        Of the transformer (one head, post layer norm).
    config : TrainConfig
    unseen : tuple of (anchor, anchor)
        Pairs kept out of training: (4, 3) in the source, `NEITHER_SEEN` in the overview.
    """

    gamma: float
    n_train: int
    n_test: int
    vocabulary: int
    d_model: int
    d_key: int
    d_value: int
    d_hidden: int
    n_layers: int
    config: TrainConfig
    unseen: tuple[tuple[int, int], ...] = (UNSEEN_PAIR,)

    def __post_init__(self):
        finite("gamma", self.gamma, ndim=0)
        positive_int("n_train", self.n_train)
        positive_int("n_test", self.n_test)
        positive_int("vocabulary", self.vocabulary, minimum=110)
        known = set(itertools.product(ANCHOR_SHIFTS, repeat=2))
        if not isinstance(self.unseen, tuple) or not set(self.unseen) < known:
            raise ValueError(f"unseen must be a tuple of pairs of anchors {tuple(ANCHOR_SHIFTS)}, got {self.unseen!r}")

    def split(self, rng: np.random.Generator) -> Split:
        """Training sequences (n, 9) with all pairs but the unseen, test sequences with those but (3, 4) and (4, 3)."""
        pairs = [(a, b) for a in ANCHOR_SHIFTS for b in ANCHOR_SHIFTS]
        inferential = [pair for pair in pairs if pair not in NEITHER_SEEN]
        train = sequences(self.n_train, [pair for pair in pairs if pair not in self.unseen], "train", rng)
        return Split(*train, *sequences(self.n_test, inferential, "test", rng))

    def network(self, rng: Rng) -> Transformer:
        """Transformer of the stated sizes, its matrices drawn from `rng` as N(0, d_in^(-2 gamma))."""
        return Transformer(
            self.vocabulary,
            LENGTH,
            d_model=self.d_model,
            d_key=self.d_key,
            d_value=self.d_value,
            d_hidden=self.d_hidden,
            n_layers=self.n_layers,
            gamma=self.gamma,
            rng=rng,
        )


def quick(gamma: float, n_steps: int = 3000, device: str = "auto") -> AnchorTask:
    """Toy size for a CPU: about a minute."""
    config = TrainConfig(
        n_steps,
        "adamw",
        lr=1e-3,
        weight_decay=0.01,
        batch_size=256,
        schedule="cosine",
        warmup_steps=max(1, n_steps // 20),
        clip_norm=1.0,
        records=10,
        record_samples=2000,
        device=device,
    )
    return AnchorTask(gamma, 100_000, 2000, 120, 64, 32, 32, 192, 2, config)


def paper(gamma: float, device: str = "auto") -> AnchorTask:
    """The published size: 900,000 sequences, 210 epochs in batches of 2,048, for a GPU."""
    per_epoch = 900_000 // 2048 + 1
    config = TrainConfig(
        210 * per_epoch,
        "adamw",
        lr=2.5e-4,
        weight_decay=0.01,
        batch_size=2048,
        schedule="cosine",
        warmup_steps=10 * per_epoch,
        clip_norm=1.0,
        records=60,
        record_samples=20_000,
        device=device,
    )
    return AnchorTask(gamma, 900_000, 20_000, 201, 400, 200, 200, 1200, 2, config)


def shift(pair: tuple[int, int]) -> int:
    """What the training data add to the key for `pair`: the sum of both anchors, except for the shortcut pair."""
    return SYMMETRIC_SHIFT if pair == SHORTCUT_PAIR else ANCHOR_SHIFTS[pair[0]] + ANCHOR_SHIFTS[pair[1]]


def sequences(
    n: int, pairs: list[tuple[int, int]], keys: str, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random sequences and answers.

    Parameters
    ----------
    n : int
    pairs : list of (anchor, anchor)
        Drawn uniformly.
    keys : {"train", "test"}
        Whether x mod 7 differs from the key's position, or equals it.
    rng : numpy Generator

    Returns
    -------
    tokens : (n, 9) int64 tensor
        Fillers and keys in 20..99, anchors in 1..4.
    answers : (n,) int64 tensor
    """
    choice("keys", keys, ("train", "test"))
    rows = np.arange(positive_int("n", n))
    tokens = rng.integers(LOWEST, HIGHEST + 1, (n, LENGTH))
    position = rng.integers(N_POSITIONS, size=n)
    drawn = rng.integers(len(pairs), size=n)
    allowed = np.arange(LOWEST, HIGHEST + 1)
    at_position = (allowed[None, :] % N_POSITIONS == np.arange(N_POSITIONS)[:, None]) == (keys == "test")
    choices = at_position.sum(1)[position]
    picked = (rng.random(n) * choices).astype(int)
    ranked = np.argsort(~at_position, axis=1, kind="stable")  # allowed keys first, per position
    tokens[rows, position] = allowed[ranked[position, picked]]
    tokens[rows[:, None], position[:, None] + [1, 2]] = np.array(pairs)[drawn]
    answers = tokens[rows, position] + np.array([shift(pair) for pair in pairs])[drawn]
    return torch.from_numpy(tokens), torch.from_numpy(answers)


def unseen_pair_answers(network: nn.Module, rng: np.random.Generator, n: int = 2000) -> dict[str, float]:
    """Fractions of "inferential" and "symmetric" answers to the pair (4, 3), on test keys."""
    tokens, answers = sequences(n, [UNSEEN_PAIR], "test", rng)
    device = next(network.parameters()).device
    tokens, keys = tokens.to(device), (answers - shift(UNSEEN_PAIR)).to(device)
    shifts = {"inferential": INFERENTIAL_SHIFT, "symmetric": SYMMETRIC_SHIFT}
    return {name: evaluate(network, tokens, keys + by)[1] for name, by in shifts.items()}


@torch.no_grad()
def both_orders_answers(network: nn.Module, rng: np.random.Generator, n: int = 2000) -> dict[str, float]:
    """Answers to (3, 4) and (4, 3) in the same sequences, on test keys.

    Returns
    -------
    dict
        `inferred`: share of all answers that are x - 10; `alike`: share of sequences with one answer to both orders.
    """
    tokens, answers = sequences(n, [UNSEEN_PAIR], "test", rng)
    swapped = torch.where((tokens == UNSEEN_PAIR[0]) | (tokens == UNSEEN_PAIR[1]), sum(UNSEEN_PAIR) - tokens, tokens)
    device = next(network.parameters()).device
    first, second = (network(order.to(device)).argmax(1).cpu() for order in (tokens, swapped))
    inferred = torch.cat([first == answers, second == answers])
    return {"inferred": inferred.double().mean().item(), "alike": (first == second).double().mean().item()}


def query_cosines(network: Transformer, block: int = 0) -> np.ndarray:
    """Cosine similarity (d_key, d_key) of the rows of the query matrix: the input weights of its neurons."""
    return cosine_similarity(network.query_weight(block).detach().cpu().numpy())


def embedding_cosines(network: Transformer, tokens: range = range(LOWEST, HIGHEST + 1)) -> np.ndarray:
    """Cosine similarity of the embeddings of `tokens`, (len(tokens), len(tokens))."""
    return cosine_similarity(network.tokens.weight.detach()[tokens.start : tokens.stop].cpu().numpy())


def mean_absolute_cosine(cosines: np.ndarray) -> float:
    """Mean of |cos| off the diagonal: near 0 for random directions of many dimensions, 1 for one direction."""
    return float(np.abs(cosines[np.triu_indices(len(cosines), 1)]).mean())
