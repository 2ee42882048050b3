"""Order kept or not: by one and two neurons of a single input, and by the neurons of networks on digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import digits

if TYPE_CHECKING:
    from dnn.networks.mlp import MLP

UNITS = {  # activation and neurons that share their input
    "one tanh": ("tanh", 1),
    "one Gaussian": ("gaussian", 1),
    "two tanh": ("tanh", 2),
    "two ReLU": ("relu", 2),
}
ACTIVATIONS = ("linear", "tanh", "gaussian")
STEEP = 5.0  # by which the fields of a constructed pair are multiplied, in units of the smallest gap
TIED = 1e-6  # outputs nearer than that, of their range, have no order


@dataclass(frozen=True)
class TransformationModes(Settings):
    """Sequences of local fields, units trained on them, and networks on digits.

    Parameters
    ----------
    fields : int
        Samples of a sequence of local fields.
    sequences : int
        Sequences on which pairs are constructed.
    unit_steps : int
        Updates of a unit.
    starts : int
        From which a unit is trained; the one with the lowest loss counts.
    units : int
        Sequences on which every unit is trained.
    samples : int
        Training digits.
    width : int
        Hidden neurons.
    n_steps : int
        Updates of a network.
    batch_size : int
        Digits of an update.
    compared : int
        Digits whose pairs are counted.
    draws : int
        Noisy copies of a digit in its basin.
    replicates : int
        Networks of every activation.
    """

    fields: int = 50
    sequences: int = 5
    unit_steps: int = 1500
    starts: int = 8
    units: int = 5
    samples: int = 1000
    width: int = 100
    n_steps: int = 500
    batch_size: int = 100
    compared: int = 400
    draws: int = 20
    replicates: int = 5


def reordered(fields: np.ndarray, outputs: np.ndarray) -> float:
    """One less the size of Kendall's tau between (n,) fields and outputs, ties left out: 0 where order is kept.

    So it is where all outputs are tied, as those of a ReLU neuron that never fires: nothing has another order.

    >>> reordered(np.arange(5.0), np.tanh(np.arange(5.0)))
    0.0
    """
    i, j = np.triu_indices(len(fields), 1)
    steps = outputs[j] - outputs[i]
    kept = np.abs(steps) > TIED * np.ptp(outputs)
    if not kept.any():
        return 0.0
    return 1 - abs(float(np.mean(np.sign(steps[kept]) * np.sign(fields[j] - fields[i])[kept])))


def misplaced_maxima(settings: TransformationModes, rng: np.random.Generator, pair: str) -> dict[str, Any]:
    """Ranks (n,) between each wanted place of the maximum and where the constructed unit has it, in one sequence."""
    fields = np.sort(rng.standard_normal(settings.fields))
    slope = STEEP / np.diff(fields).min()
    wanted = np.arange(settings.fields)
    outputs = {
        "two tanh": lambda a: np.tanh(slope * (fields - a) + 1) - np.tanh(slope * (fields - a) - 1),
        "two ReLU": lambda a: np.maximum(fields - fields[0] + 1, 0) - 2 * np.maximum(fields - a, 0),
        "one tanh": lambda a: np.tanh(fields - a),
    }[pair]
    return {"misplaced": np.array([abs(int(outputs(fields[rank]).argmax()) - rank) for rank in wanted])}


def trained_unit(settings: TransformationModes, rng: np.random.Generator, unit: str) -> dict[str, Any]:
    """The best of several starts of a unit that is to put out 1 for the middle fifth of its local fields, else 0."""
    import torch

    from dnn.data import Split
    from dnn.networks.mlp import MLP
    from dnn.training.config import TrainConfig
    from dnn.training.ensembles import train_ensemble

    activation, neurons = UNITS[unit]
    fields = np.sort(rng.standard_normal(settings.fields))
    middle = np.abs(np.arange(settings.fields) / (settings.fields - 1) - 0.5) < 0.1
    x, y = (torch.tensor(values, dtype=torch.float32).reshape(-1, 1) for values in (fields, middle))
    networks = [MLP((1, neurons, 1), activation, rng=rng) for _ in range(settings.starts)]
    config = TrainConfig(settings.unit_steps, lr=0.02, loss="mse", records=(settings.unit_steps,), device="cpu")
    run = train_ensemble(networks, Split(x, y, x, y), config, rng.spawn(settings.starts))
    with torch.no_grad():
        outputs = networks[int(run["train_loss"][-1].argmin())](x)[:, 0].double().numpy()
    return {"fields": fields, "outputs": outputs, "reordered": reordered(fields, outputs)}


def trained_network(settings: TransformationModes, rng: np.random.Generator, activation: str) -> dict[str, Any]:
    """Neurons of one network on digits: their rank gradients, how much is reordered, how far weights are aligned."""
    from dnn.networks.mlp import MLP
    from dnn.probes import accuracy
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    split = digits(settings, settings.samples)
    network = MLP((784, settings.width, 10), activation, rng=rng)
    first = alignment(network)
    config = TrainConfig(
        settings.n_steps, batch_size=settings.batch_size, records=(settings.n_steps,), device=settings.device
    )
    train(network, split, config, rng)
    return {
        "gradient": neuron_gradients(network, split),
        "reversed": reversed_pairs(network, split.x_train[: settings.compared]),
        "folded": folded(network, split.x_train[: settings.compared]),
        "alignment": alignment(network) / first,
        "accuracy": accuracy(network, split.x_test, split.y_test),
        **by_sample(settings, network, split, rng),
    }


def neuron_gradients(network: MLP, split: Any) -> np.ndarray:
    """Gradient (N,) of the rank probability density of every hidden neuron, averaged over classes."""
    from dnn.reading.rank_densities import rank_gradient

    fields = network.fields(split.x_train)[0].detach()
    return rank_gradient(fields, network.linears[-1].get_parameter("weight").detach(), split.y_train).mean(0)


def reversed_pairs(network: MLP, x: Any) -> np.ndarray:
    """Share (N,) of the pairs of samples that a logit orders otherwise than the neuron's signed field, over classes.

    0 where the neuron's order is that of the network, 1/2 where the others have the say.
    """
    fields, logits = (values.detach().double().cpu().numpy() for values in network.fields(x))
    signs = np.sign(network.linears[-1].get_parameter("weight").detach().cpu().numpy())  # (K, N)
    i, j = np.triu_indices(len(fields), 1)
    ordered = np.sign(fields[j] - fields[i]).T @ np.sign(logits[j] - logits[i]) / len(i)  # (N, K)
    return (1 - (signs.T * ordered).mean(1)) / 2


def folded(network: MLP, x: Any) -> np.ndarray:
    """How far every hidden neuron changes the order of its own samples (N,), as in :func:`reordered`."""
    fields = network.fields(x)[0].detach().double()
    outputs = network.activation(fields).cpu().numpy()
    return np.array([reordered(*pair) for pair in zip(fields.cpu().numpy().T, outputs.T, strict=True)])


def alignment(network: MLP) -> float:
    """Mean squared cosine between the weight vectors of two hidden neurons."""
    weights = network.linears[0].get_parameter("weight").detach().double().cpu().numpy()
    weights = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    cosines = weights @ weights.T
    return float((cosines[np.triu_indices(len(cosines), 1)] ** 2).mean())


def by_sample(settings: TransformationModes, network: MLP, split: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Of the first digits: rank gradient of each over all neurons, radius of its basin, and its class."""
    from scipy.stats import rankdata

    from dnn.reading.basins import AMPLITUDES, sample_basin

    fields = network.fields(split.x_train)[0].detach().cpu().numpy()
    signs = np.sign(network.linears[-1].get_parameter("weight").detach().cpu().numpy())
    place = (rankdata(fields, axis=0) - 0.5) / len(fields) - 0.5  # of every sample in every neuron, centred
    own = signs[split.y_train.cpu().numpy()]  # (P, N)
    x, y = split.x_train[: settings.compared], split.y_train[: settings.compared]
    basin = sample_basin(network, x, y, rng, by="sample", draws=settings.draws)
    return {
        "sample_gradient": (12 * (own * place).mean(1))[: settings.compared],
        "sample_radius": np.minimum(basin.radius, AMPLITUDES[-1]),
        "sample_class": y.cpu().numpy(),
    }
