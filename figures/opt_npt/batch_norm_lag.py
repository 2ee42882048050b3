"""Late test accuracy of a deep network with batch norm in evaluation mode, with the five controls of its cause."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.curves import centroid_accuracy, first_time, overlap, spread
from figures.opt_npt.batch_norm_lag_runs import CONTROLS, DIGITS, SHOWN, run
from figures.harness.figure import Claim, PaperFigure, all_above, all_below, all_between
from figures.opt_npt.batch_norm_lag_drawing import draw


@dataclass(frozen=True)
class Params(Settings):
    """Size of the network and the data, length of the runs, and the distance of two records."""

    data_set: str = "mnist-mini"
    samples: int = 1000
    n_hidden: int = 8
    width: int = 128
    n_steps: int = 60
    slow_steps: int = 129
    every: int = 3
    before: int = 9
    seeds: int = 3


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """Accuracies under every control, rank gradients and clouds of each seed."""
    found = grid(partial(run, p=p), {"n_hidden": [p.n_hidden]}, replicates=p.seeds, seed=int(rng.integers(2**32)))
    data = {name: found[name].values[0] for name in found.data_vars}
    data |= {f"{control}_steps": data[f"{control}_steps"][0] for control in CONTROLS}
    return data | {"labels": np.repeat(DIGITS, SHOWN), "before": np.array(p.before)}


def lag(steps: np.ndarray, running: np.ndarray, batch: np.ndarray) -> float:
    """Steps from the first at which `batch` accuracy is one half to the first at which `running` accuracy is."""
    return first_time(steps, running, 0.5) - min(first_time(steps, batch, 0.5), steps[-1])


def _lags(d, control: str, batch: str = "test_batch", running: str = "test_accuracy") -> np.ndarray:
    pairs = zip(d[f"{control}_{running}"], d[f"{control}_{batch}"], strict=True)
    return np.array([lag(d[f"{control}_steps"], *pair) for pair in pairs])


def _stretch(d, factor: float = 1.0) -> np.ndarray:
    """`factor` times the lag at momentum .03 over that at .1, taken as 1 at least; 0 where the latter does not end."""
    slow, usual = _lags(d, "slow"), _lags(d, "usual")
    return factor * np.where(np.isfinite(usual), slow, 0.0) / np.maximum(usual, 1.0)


def _caught_up(d) -> bool:
    return bool(np.isfinite(_lags(d, "usual")).all())


def _gap(d, control: str, running: str = "test_accuracy") -> np.ndarray:
    """Largest amount by which accuracy with the batch's statistics exceeds that in evaluation mode."""
    return (d[f"{control}_test_batch"] - d[f"{control}_{running}"]).max(axis=1)


def _lowest_when_fitted(d) -> np.ndarray:
    """Lowest test accuracy in evaluation mode at a record with a training accuracy of .8 in training mode."""
    return np.where(d["usual_train_batch"] >= 0.8, d["usual_test_accuracy"], 1.0).min(axis=1)


def _plane_accuracy(d, cloud: str, when: int) -> list[float]:
    pairs = zip(d[f"usual_plane_{cloud}"][:, when], d["usual_plane_train"][:, when], strict=True)
    return [centroid_accuracy(points, d["labels"], train, d["labels"]) for points, train in pairs]


def _spread_before(d) -> list[float]:
    pairs = zip(d["usual_plane_eval"][:, 0], d["usual_plane_train"][:, 0], strict=True)
    return [spread(points) / spread(train) for points, train in pairs]


def _overlap(d, cloud: str, when: int) -> np.ndarray:
    """How far the region of a cloud of test digits and that of the training digits are the same, every seed."""
    pairs = zip(d[f"usual_plane_{cloud}"][:, when], d["usual_plane_train"][:, when], strict=True)
    return np.array([overlap(*pair) for pair in pairs])


def _train_accuracy_before(d) -> np.ndarray:
    return d["usual_train_accuracy"][:, (d["usual_steps"] == d["before"]).argmax()]


def _least_order(d) -> np.ndarray:
    """Smallest rank correlation of layer and gradient from the second record to the jump: negative in phase I."""
    from scipy.stats import spearmanr

    found = []
    for gradient, test in zip(d["usual_gradient"], d["usual_test_accuracy"], strict=True):
        until = max(2, int((test >= 0.5).argmax()))
        layers = np.arange(gradient.shape[1])
        found.append(min(spearmanr(layers, row)[0] for row in gradient[1:until]))  # pyright: ignore
    return np.array(found)


FORGETTING = "running statistics start at mean 0 and variance 1 and forget that start as (1 - momentum)^t"

FIGURE = PaperFigure(
    name="dnn_n6",
    paper="dnn",
    caption=(
        "Test accuracy of a deep network with batch norm jumps late in evaluation mode only, here with clouds in the "
        "plane of the readout and five controls: training digits in evaluation mode, statistics warm from the start, "
        "momentum 1, momentum 0.03, statistics estimated anew. "
        "Not printed: rate, loss and preprocessing; Adam 1e-3, cross-entropy, pixels in [0, 1], full batch. The quick "
        "preset has 8 hidden layers and the 1,000 embedded digits, the paper preset 21 hidden layers and 30,000 in "
        "one batch (a deviation: the paper trains on 60,000 in batches of 30,000). Lines are means over seeds, which "
        "share the initial weights among controls."
    ),
    presets={
        "quick": Params(),
        "paper": Params("mnist", 30_000, 21, 128, 100, 200, 2, 10, 3),
    },
    compute=compute,
    draw=draw,
    seconds=100,
    cost="about 40 CPU-minutes a seed (estimated from 1.34 CPU-s per step)",
    claims=(
        Claim(
            "dnn-6-lag",
            "Figure 6c, 6d",
            "In evaluation mode test accuracy stays at chance while training accuracy is high, then jumps",
            "with momentum .1 every seed has a record with training accuracy >= .8 (training mode) and test accuracy "
            "<= .2 in evaluation mode",
            _lowest_when_fitted,
            all_below(0.2),
        ),
        Claim(
            "dnn-6-momentum-one",
            "Figure 6e, 6f",
            "With statistics of the last batch (momentum 1) the lag is gone",
            "largest gap between accuracies with batch statistics and in evaluation mode <= .1 in every seed",
            lambda d: _gap(d, "last"),
            all_below(0.1),
        ),
        Claim(
            "dnn-6d-inside",
            "Figure 6d",
            "After the jump test samples in evaluation mode lie where training samples of their class lie",
            f"share of test digits {DIGITS} nearest to their own training centroid in the plane > .7 in every seed",
            lambda d: _plane_accuracy(d, "eval", 1),
            all_above(0.7),
            why="true of most seeds: two of ten readout directions do not part these digits in every seed",
        ),
        Claim(
            "dnn-6c-outside",
            "Figure 6c",
            "Before the jump they lie outside the region of the training samples: the basins have moved away",
            "their cloud is still at least .3 times as wide as the training cloud in every seed",
            _spread_before,
            all_above(0.3),
            why=f"the cloud has collapsed, not moved: {FORGETTING}, and a variance of 1 shrinks each layer",
        ),
        Claim(
            "dnn-6e-overlap",
            "Figure 6e",
            "In training mode the region of the test samples overlaps that of the training samples before the jump",
            "share of either cloud inside the hull of the other (the smaller one): above that in evaluation mode after "
            "the jump, in every seed (value: difference)",
            lambda d: _overlap(d, "batch", 0) - _overlap(d, "eval", 1),
            all_above(0.0),
        ),
        Claim(
            "dnn-6e-inside",
            "Figure 6e",
            "In training mode test samples lie where training samples of their class lie before the jump",
            f"share of test digits {DIGITS} nearest to their own training centroid in the plane > .7 in every seed",
            lambda d: _plane_accuracy(d, "batch", 0),
            all_above(0.7),
            why="0.54 to 0.71 do (in evaluation mode a third): at that step classes still overlap in the plane, those "
            "of the training digits too",
        ),
        Claim(
            "dnn-6-test-only",
            "Section V.A",
            "The lag is one between test and training samples",
            "training digits in evaluation mode (control 1) are classified with accuracy > .8 during the lag",
            _train_accuracy_before,
            all_above(0.8),
            why="training digits in evaluation mode are at chance too: the mode is late, not generalisation",
        ),
        Claim(
            "dnn-6-warm",
            "Section V.A",
            "A change of phase makes running statistics differ from the current ones",
            "the gap stays > .3 when statistics start at their true values (control 2), phases being the same",
            lambda d: _gap(d, "warm"),
            all_above(0.3),
            why=f"warm statistics follow well enough: {FORGETTING}, and it is that start which is late to be forgotten",
        ),
        Claim(
            "dnn-6-phase-sets-time",
            "Section V.A",
            "The jump comes when training settles into a new phase",
            "lag at momentum .03 over lag at .1 within .75 and 1.33; the weights are the same in both (control 4)",
            _stretch,
            all_between(0.75, 1.33),
            why=f"with identical weights the lag is longer by the ratio of the momenta: {FORGETTING}",
            decisive=_caught_up,
        ),
        Claim(
            "dnn-6-needs-phase",
            "Section V.A",
            "Evaluation mode lags only where training passes from one phase to another",
            "rank correlation of layer and gradient is negative (phase I) at a record before the jump, in every seed",
            _least_order,
            all_below(0.0),
            why="gradients grow with depth from the first record on (phase II) and the lag is there all the same",
        ),
        Claim(
            "dnn-6-forgetting",
            "Section V.A, control",
            "Forgetting of the initial statistics sets the length of the lag, not the phase",
            "lag x momentum at .03 over lag x momentum at .1 within .75 and 1.33 in every seed",
            lambda d: _stretch(d, 0.3),
            all_between(0.75, 1.33),
            decisive=_caught_up,
        ),
        Claim(
            "dnn-6-same-weights",
            "Section V.A, control",
            "Training itself does not depend on the running statistics",
            "weights of the four controls after equally many steps differ by 0 exactly in every seed",
            lambda d: d["apart"],
            all_between(0.0, 0.0),
        ),
        Claim(
            "dnn-6-reestimated",
            "Section V.A, control",
            "One pass over the training set for new statistics (control 5) removes the lag",
            "largest gap between test accuracies with batch statistics and with new ones <= .1 in every seed",
            lambda d: _gap(d, "usual", "test_reestimated"),
            all_below(0.1),
        ),
    ),
)
