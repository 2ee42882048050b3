"""Many seeds or hyperparameters of one multilayer perceptron, trained at once.

The parameters of the members are stacked along a leading axis, so that each layer is one batched matrix product and
each optimiser step one call. The smaller the network, the more that saves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import stack_module_state
from torch.nn import functional

from dnn.data import Split
from dnn.networks.mlp import MLP, non_finite
from dnn.training.config import TrainConfig
from dnn.training.loop import Probe, make_optimiser, measure, training_numerics
from dnn.training.objectives import count_classes, make_targets, prepare, refuse_lone_samples
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import described, generator

_CHUNK = 256
_MAY_DIFFER = ("lr", "weight_decay", "momentum", "betas", "target_scale")


def train_ensemble(
    networks: Sequence[MLP],
    split: Split,
    configs: TrainConfig | Sequence[TrainConfig],
    rngs: Sequence[np.random.Generator],
    probes: Mapping[str, Probe] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Trajectory:
    """Train all `networks` in place, each as :func:`dnn.train` would with its own config and generator.

    To rounding, that is: in double precision 1e-9 of the losses; in single precision over 60 steps 1e-5 without batch
    norm, and 1e-3 with it under "sgd". In single precision batch norm leaves the biases below it without effect on
    training, with gradients that are nothing but rounding errors, and Adam divides those by their own size. There the
    biases wander, by at most about `lr` a step and differently here and in :func:`dnn.train`, and the running means
    follow late. Losses and accuracies, which are read with running means, then differ: losses by at most 0.009 in runs
    of 60 and of 200 steps at lr 0.01, which is 3 % of them after 60 steps and up to 11 % of the small ones after 200.
    Weights, and outputs with batch statistics, agree as closely as without batch norm. Where the difference matters
    take `dtype="float64"`.

    Parameters
    ----------
    networks : sequence of m MLP
        Of one architecture, with no parameter frozen, and none that shares memory with another.
    split : Split
    configs : TrainConfig, or m of them
        Members may differ in lr, weight_decay, momentum, betas and target_scale. Gradient clipping and early
        stopping are not offered here.
    rngs : m numpy Generators
        Member k sees the batches that `train(..., rngs[k])` would draw. One generator given twice serves its members
        in turn, as it would calls of `train` after another: they see different batches.
    probes, progress
        As in :func:`dnn.train`.

    Returns
    -------
    Trajectory
        The quantities of :func:`dnn.train` with a member axis, (n_t, m, ...); `meta` has the configs and `threads`.

    Raises
    ------
    ValueError
        For networks of different architecture, that are no MLPs, partly frozen, or share a parameter or buffer,
        configs that differ elsewhere, or lengths that do not agree; and as :func:`dnn.train`.
    SimulationError
        If the loss of a member, or a weight after its last step, is not finite; names the step and the member.

    Examples
    --------
    Two weights from 0 towards 2: with a learning rate of 1/4 every step halves what is missing, with 1/2 one step will
    do.

    >>> networks = [MLP([1, 1]), MLP([1, 1])]
    >>> for parameter in chain(*(network.parameters() for network in networks)):
    ...     _ = parameter.data.zero_()
    >>> x = torch.tensor([[1.0], [-1.0]])
    >>> slow = TrainConfig(n_steps=2, optimiser="sgd", lr=0.25, loss="mse", records=[0, 1, 2])
    >>> rngs = [np.random.default_rng(k) for k in range(2)]
    >>> run = train_ensemble(networks, Split(x, 2 * x, x, 2 * x), [slow, replace(slow, lr=0.5)], rngs)
    >>> run["train_loss"].tolist()
    [[4.0, 4.0], [1.0, 0.0], [0.25, 0.0]]
    """
    configs = [configs] * len(_sequence("networks", networks)) if isinstance(configs, TrainConfig) else configs
    configs, rngs = list(_sequence("configs", configs)), _sequence("rngs", rngs)
    _check_members(_sequence("networks", networks), configs, rngs)
    seeds = [int(generator("rngs", rng).integers(2**63)) for rng in rngs]
    with training_numerics(configs[0].torch_device):
        run = _EnsembleRun(networks, prepare(split, configs[0]), configs, seeds)
        records: list[dict[str, np.ndarray]] = []
        for stop in configs[0].record_steps:
            run.advance_to(stop, progress)
            records.append(run.measure(probes or {}))
        run.advance_to(configs[0].n_steps, progress)
        run.write_back()
    for member, network in enumerate(networks):
        if (name := non_finite(network)) is not None:
            raise SimulationError(f"{name} of member {member} is not finite at step {run.step}")
    data = {name: np.stack([record[name] for record in records]) for name in records[0]}
    meta = {"configs": [asdict(config) for config in configs], "threads": [torch.get_num_threads()]}
    return Trajectory(np.array(configs[0].record_steps), data, clock="step", meta=meta)


def _sequence(name: str, values: Any) -> Any:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ValueError(f"{name} must be a sequence, got {described(values)}")
    return values


def _check_members(networks: Sequence[MLP], configs: list[TrainConfig], rngs: Sequence[np.random.Generator]) -> None:
    for config in configs:
        if not isinstance(config, TrainConfig):
            raise ValueError(f"configs must be TrainConfigs, got {described(config)}")
    for rng in rngs:
        generator("rngs", rng)
    if not networks or not len(networks) == len(configs) == len(rngs):
        lengths = f"{len(networks)}, {len(configs)} and {len(rngs)}"
        raise ValueError(f"networks, configs and rngs must be non-empty and of equal length, got {lengths}")
    for network in networks:
        if not isinstance(network, MLP):
            raise ValueError(f"networks must be MLPs, got {type(network).__name__}")
        for name, value in network.named_parameters():
            if not value.requires_grad:
                raise ValueError(f"networks must have no frozen parameter, got {name} without gradient")
    _refuse_shared_memory(networks)
    for network in networks[1:]:
        if _architecture(network) != _architecture(networks[0]):
            shapes = f"{_architecture(networks[0])} and {_architecture(network)}"
            raise ValueError(f"networks must have one architecture, got {shapes}")
    common = {name: getattr(configs[0], name) for name in _MAY_DIFFER}
    for config in configs:
        if replace(config, **common) != configs[0]:
            raise ValueError(f"configs must differ in {', '.join(_MAY_DIFFER)} only, got {configs[0]} and {config}")
        if config.clip_norm is not None or config.patience is not None:
            raise ValueError("configs must have clip_norm and patience None in an ensemble")


def _refuse_shared_memory(networks: Sequence[MLP]) -> None:
    """`ValueError` if a parameter or buffer lies, even in part, where another one does."""
    spans = []
    for member, network in enumerate(networks):
        tensors = chain(network.named_parameters(remove_duplicate=False), network.named_buffers(remove_duplicate=False))
        for name, value in tensors:
            if value.numel():
                reach = sum((size - 1) * step for size, step in zip(value.shape, value.stride(), strict=True)) + 1
                start = value.data_ptr()
                spans.append((str(value.device), start, start + reach * value.element_size(), member, name))
    for (device, _, end, *below), (other_device, start, _, *above) in pairwise(sorted(spans)):
        if device == other_device and start < end:
            got = f"{above[1]} of member {above[0]} in the memory of {below[1]} of member {below[0]}"
            raise ValueError(f"networks must share no parameter or buffer, got {got}")


def _architecture(network: MLP) -> tuple:
    return network.widths, network.activation_name, network.residual, len(network.norms), network.bn_momentum


class _EnsembleRun:
    """Stacked parameters (m, ...), one optimiser, and one order of samples per member."""

    def __init__(self, networks: Sequence[MLP], split: Split, configs: list[TrainConfig], seeds: list[int]):
        self.networks, self.split, self.configs = networks, split, configs
        config = configs[0]
        for network in networks:
            network.to(config.torch_device, config.torch_dtype)
        parameters, self.buffers = stack_module_state(list(networks))
        self.parameters = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        self.uniform = all(_group_settings(other) == _group_settings(config) for other in configs)
        self.optimiser = make_optimiser(self._parameter_groups(), config)
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.orders: Tensor | None = None  # (m, P), of this epoch
        self.position = 0
        self.step = 0
        n_classes = count_classes(networks[0], split)
        refuse_lone_samples(networks[0], split, config)
        scales = [other.target_scale for other in configs]
        self.targets = torch.stack(
            [make_targets(split.y_train, n_classes, config.loss, scale, config.torch_dtype) for scale in scales]
        )  # (m, P) or (m, P, K)

    def _parameter_groups(self) -> list[dict]:
        """One group when all members share their settings, else one per member, of views into the stacks."""
        if self.uniform:
            return [{"params": list(self.parameters.values())}]
        for value in self.parameters.values():
            value.grad = torch.zeros_like(value)
        return [{"params": self._views(k), **_group_settings(config)} for k, config in enumerate(self.configs)]

    def _views(self, member: int) -> list[Tensor]:
        views = []
        for value in self.parameters.values():
            view = value.detach()[member]
            assert value.grad is not None
            view.grad = value.grad[member]
            views.append(view)
        return views

    def advance_to(self, stop: int, progress: Callable[[int, int], None] | None) -> None:
        while self.step < stop:
            self._run_chunk(min(_CHUNK, stop - self.step))
            if progress is not None:
                progress(self.step, self.configs[0].n_steps)

    def _run_chunk(self, n_steps: int) -> None:
        config = self.configs[0]
        losses = torch.empty(n_steps, len(self.networks), dtype=config.torch_dtype, device=config.torch_device)
        for index in range(n_steps):
            loss = self._losses(*self._next_batch())
            self.optimiser.zero_grad(set_to_none=self.uniform)  # views must go on pointing at their gradients
            loss.sum().backward()
            if not config.constant_lr:
                self._set_lr(self.step + index)
            self.optimiser.step()
            losses[index] = loss.detach()
        bad = ~torch.isfinite(losses)
        if bad.any():
            index, member = bad.nonzero()[0].tolist()
            raise SimulationError(f"training loss of member {member} is not finite at step {self.step + index + 1}")
        self.step += n_steps

    def _set_lr(self, step: int) -> None:
        for group, config in zip(self.optimiser.param_groups, self.configs, strict=False):
            group["lr"] = config.lr_at(step)

    def _next_batch(self) -> tuple[Tensor, Tensor]:
        size, x = self.configs[0].batch_size, self.split.x_train
        members = len(self.networks)
        if size is None:
            return x.expand(members, *x.shape), self.targets
        if self.orders is None or self.position >= len(x):
            orders = [torch.randperm(len(x), generator=generator) for generator in self.generators]
            self.orders, self.position = torch.stack(orders).to(x.device), 0
        chosen = self.orders[:, self.position : self.position + size]
        self.position += size
        rows = chosen + len(x) * torch.arange(members, device=x.device)[:, None]
        targets = self.targets.flatten(0, 1).index_select(0, rows.flatten()).unflatten(0, chosen.shape)
        return x.index_select(0, chosen.flatten()).unflatten(0, chosen.shape), targets

    def _losses(self, x: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of every member, (m,), for x (m, n, d)."""
        logits = self._forward(x)
        if self.configs[0].loss == "mse":
            return (logits - targets).square().mean((1, 2))
        return (
            functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
            .view(targets.shape)
            .mean(1)
        )

    def _forward(self, x: Tensor) -> Tensor:
        """Logits (m, n, K): the network of :mod:`dnn.networks.mlp` with a member axis."""
        network, last = self.networks[0], len(self.networks[0].linears) - 1
        two_below = below = x
        for index in range(last):
            field = self._affine(index, below)
            if network.norms:
                field = self._batch_norm(index, field)
            outputs = network.activation(field)
            if network.residual and index >= 2 and index % 2 == 0:
                outputs = outputs + two_below
            two_below, below = below, outputs
        return self._affine(last, below)

    def _affine(self, index: int, x: Tensor) -> Tensor:
        weight, bias = (self.parameters[f"linears.{index}.{name}"] for name in ("weight", "bias"))
        return torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))

    def _batch_norm(self, index: int, field: Tensor) -> Tensor:
        """Each neuron of each member is a channel of its own."""
        members, n, width = field.shape
        stats = [self.buffers[f"norms.{index}.running_{name}"].view(-1) for name in ("mean", "var")]
        affine = [self.parameters[f"norms.{index}.{name}"].view(-1) for name in ("weight", "bias")]
        self.buffers[f"norms.{index}.num_batches_tracked"] += 1
        channels = field.transpose(0, 1).reshape(n, members * width)
        momentum = self.networks[0].bn_momentum
        normed = functional.batch_norm(channels, *stats, *affine, training=True, momentum=momentum)
        return normed.view(n, members, width).transpose(0, 1)

    @torch.no_grad()
    def write_back(self) -> None:
        stacks = self.parameters | self.buffers
        for member, network in enumerate(self.networks):
            network.load_state_dict({name: value[member] for name, value in stacks.items()})
            network.eval()

    def measure(self, probes: Mapping[str, Probe]) -> dict[str, np.ndarray]:
        self.write_back()
        members = zip(self.networks, self.configs, strict=True)
        rows = [measure(network, self.split, config, probes, self.step) for network, config in members]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _group_settings(config: TrainConfig) -> dict:
    """What the parameter group of one member sets apart from the shared optimiser."""
    own = {"lr": config.lr, "weight_decay": config.weight_decay}
    return own | ({"momentum": config.momentum} if config.optimiser == "sgd" else {"betas": config.betas})
