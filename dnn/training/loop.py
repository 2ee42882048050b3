"""One training loop for everything: probes on a schedule, checkpoints, bit-exact resume.

    run = train(MLP([784, 200, 200, 10], rng=rng), load("mnist-mini"), TrainConfig(n_steps=1000), rng)

Adam's moments of weights that no longer receive a gradient decay into subnormal numbers, on which a CPU is slow
(a factor two on digits, whose border pixels are dead); they are flushed to zero while training.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dnn.checks import network_of
from dnn.data import Split
from dnn.networks.mlp import batch_norm_mode, non_finite
from dnn.observing.resting import kept
from dnn.training.checkpoints import checked_place, load_checkpoint, save_checkpoint
from dnn.training.config import TrainConfig
from dnn.training.objectives import (
    LOSS_FUNCTIONS,
    count_classes,
    evaluate,
    make_targets,
    prepare,
    refuse_lone_samples,
    score_name,
)
from toymodels.run import progress
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import described, detached, generator

Probe = Callable[[nn.Module, Split], "float | Mapping[str, Any]"]

_CHUNK = 256  # steps between two looks at the losses: the loop never waits for the device inside
_SAVE_SECONDS = 20.0


def train(
    network: nn.Module,
    split: Split,
    config: TrainConfig,
    rng: np.random.Generator,
    probes: Mapping[str, Probe] | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Trajectory:
    """Train `network` in place and record how it does.

    Parameters
    ----------
    network : Module
        Maps x (n, ...) to logits (n, K); moved to the device and dtype of `config`.
    split : Split
        x of any dtype (integers stay, for tokens), y (n,) in 0..K-1. Under `loss="mse"` y may be real targets, floats
        (n, K), or (n,) for a network with a single output.
    config : TrainConfig
    rng : numpy Generator
        Seeds the order of the batches, and dropout if there is any.
    probes : mapping of str to function, optional
        `probe(network, split)` returns a number, an array, or a dict of them, of the same shape at every record;
        the entry `k` of a dict from probe `p` is recorded as `p.k`. The network is in eval mode meanwhile.
    checkpoint : path, optional
        If the file is there the run goes on from it, else it is written every 20 seconds and at the end. The
        numbers are those of an uninterrupted run, bit for bit, on the same device and number of threads.
    progress : function of (step, n_steps), optional

    Returns
    -------
    Trajectory
        Clock "step"; `train_loss train_accuracy test_loss test_accuracy` in eval mode (running batch-norm
        statistics) and the probes. A record at step s is taken after s updates. With real targets there is no
        accuracy, and `train_r2 test_r2` stand in its place: one minus the loss over the variance of the part's targets,
        1 for a perfect fit, 0 for the mean, negative for worse.
        `meta` has the config, and under `threads` how many threads the CPU had, on which the last bits of a run depend:
        a list, with more than one entry where a run went on from a checkpoint with another number.

    Raises
    ------
    ValueError
        For data that do not fit together, real targets that do not vary, batch norm on a last batch of a single
        sample, or a checkpoint of another run: with another config, seed, network, initial
        weights, data, or names of probes.
    SimulationError
        If the loss, a probe, or a weight after the last step is not finite; names the step.

    Examples
    --------
    One weight, from 0 towards 2: a learning rate of 1/4 halves what is missing in every step, and quarters the loss.

    >>> from dnn import MLP
    >>> network = MLP([1, 1])
    >>> for parameter in network.parameters():
    ...     _ = parameter.data.zero_()
    >>> x = torch.tensor([[1.0], [-1.0]])
    >>> config = TrainConfig(n_steps=2, optimiser="sgd", lr=0.25, loss="mse", records=[0, 1, 2])
    >>> run = train(network, Split(x, 2 * x, x, 2 * x), config, np.random.default_rng(0))
    >>> run["train_loss"].tolist(), run["test_r2"].tolist(), network.linears[0].weight.item()
    ([4.0, 1.0, 0.25], [0.0, 0.75, 0.9375], 1.5)
    """
    network_of("network", network)
    if not isinstance(config, TrainConfig):
        raise ValueError(f"config must be a TrainConfig, got {described(config)}")
    if not isinstance(probes, Mapping | None):
        raise ValueError(f"probes must map names to functions, got {described(probes)}")
    seed = int(generator("rng", rng).integers(2**63))
    if checkpoint is not None:
        checkpoint = checked_place(checkpoint)
    with training_numerics(config.torch_device), _own_randomness(config.torch_device, seed):
        run = _Run(network, prepare(split, config), config, probes or {}, seed)
        settings = {} if checkpoint is None else run.settings()
        if checkpoint is not None and Path(checkpoint).exists():
            _resume(run, checkpoint, settings)
        saved = time.monotonic()
        for _ in run.advance():
            if progress is not None:
                progress(run.step, config.n_steps)
            if checkpoint is not None and time.monotonic() - saved >= _SAVE_SECONDS:
                save_checkpoint(checkpoint, run.state(), settings)
                saved = time.monotonic()
        if checkpoint is not None:
            save_checkpoint(checkpoint, run.state(), settings)
        return run.finish()


def _resume(run: _Run, checkpoint: str | Path, settings: dict[str, Any]) -> None:
    state = load_checkpoint(checkpoint, settings, run.config.torch_device)
    try:
        run.load_state(state)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"checkpoint {checkpoint} must hold the whole state of a run, got {error!r}") from error


class _Run:
    """Everything that changes while training, and how to put it into a checkpoint and back."""

    def __init__(self, network: nn.Module, split: Split, config: TrainConfig, probes: Mapping[str, Probe], seed: int):
        self.network = network.to(config.torch_device, config.torch_dtype)
        self.split, self.config, self.probes, self.seed = split, config, probes, seed
        self.optimiser = make_optimiser(network.parameters(), config)
        self.generator = torch.Generator().manual_seed(seed)
        self.order = torch.empty(0, dtype=torch.int64, device=config.torch_device)  # of this epoch
        self.position = 0
        self.step = 0
        self.record_steps: list[int] = []
        self.records: dict[str, list[np.ndarray]] = {}
        self.best: dict[str, Any] | None = None
        self.threads = [torch.get_num_threads()]
        n_classes = count_classes(self.network, split)
        refuse_lone_samples(self.network, split, config)
        self.targets = make_targets(split.y_train, n_classes, config.loss, config.target_scale, config.torch_dtype)

    def advance(self) -> Iterator[None]:
        """Train to the end, pausing after every chunk of steps."""
        recorded = self.config.record_steps
        for stop in (*recorded, self.config.n_steps):
            while self.step < stop and not self._is_stale():
                self._run_chunk(min(_CHUNK, stop - self.step))
                yield
            if self.step == stop and stop in recorded and stop not in self.record_steps[-1:]:
                self._record()

    def _run_chunk(self, n_steps: int) -> None:
        self.network.train()
        loss_function = LOSS_FUNCTIONS[self.config.loss]
        parameters = list(self.network.parameters())
        losses = torch.empty(n_steps, dtype=self.config.torch_dtype, device=self.config.torch_device)
        for index in range(n_steps):
            x, targets = self._next_batch()
            loss = loss_function(self.network(x), targets)
            self.optimiser.zero_grad()
            loss.backward()
            if self.config.clip_norm is not None:
                nn.utils.clip_grad_norm_(parameters, self.config.clip_norm)
            if not self.config.constant_lr:
                self._set_lr(self.config.lr_at(self.step + index))
            self.optimiser.step()
            losses[index] = loss.detach()
        bad = ~torch.isfinite(losses)
        if bad.any():
            raise SimulationError(f"training loss is not finite at step {self.step + int(bad.int().argmax()) + 1}")
        self.step += n_steps

    def _set_lr(self, lr: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = lr

    def _next_batch(self) -> tuple[Tensor, Tensor]:
        size = self.config.batch_size
        if size is None:
            return self.split.x_train, self.targets
        if self.position >= len(self.order):
            order = torch.randperm(len(self.targets), generator=self.generator)
            self.order, self.position = order.to(self.targets.device), 0
        chosen = self.order[self.position : self.position + size]
        self.position += size
        return self.split.x_train.index_select(0, chosen), self.targets.index_select(0, chosen)

    def _record(self) -> None:
        for name, value in measure(self.network, self.split, self.config, self.probes, self.step).items():
            self.records.setdefault(name, []).append(value)
        self.record_steps.append(self.step)
        progress.step(self.step, self.config.n_steps)
        if self.config.patience is not None and self._is_best():
            self.best = deepcopy(self.network.state_dict())

    def _is_best(self) -> bool:
        scores = [float(value) for value in self.records[f"test_{score_name(self.split.y_test)}"]]
        return scores[-1] > max(scores[:-1], default=-np.inf)

    def _is_stale(self) -> bool:
        if self.config.patience is None or not self.record_steps:
            return False
        scores = np.array(self.records[f"test_{score_name(self.split.y_test)}"])
        return len(scores) - 1 - int(scores.argmax()) >= self.config.patience

    def settings(self) -> dict[str, Any]:
        """What a checkpoint must agree in with the run that reads it; to be asked before training starts."""
        state = self.network.state_dict()
        return {
            "config": repr(self.config),
            "seed": self.seed,
            "network": {name: list(value.shape) for name, value in state.items()},
            "architecture": " ".join(repr(self.network).split()),
            "frozen parameters": [name for name, value in self.network.named_parameters() if not value.requires_grad],
            "initial weights": _digest(state.values()),
            "data": _digest(self.split),
            "probes": sorted(self.probes),
        }

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "randomness": _random_states(self.config.torch_device),
            "order": self.order,
            "position": self.position,
            "step": self.step,
            "record_steps": self.record_steps,
            "records": {name: torch.from_numpy(np.stack(values)) for name, values in self.records.items()},
            "best": self.best,
            "threads": self.threads,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"].cpu())
        torch.set_rng_state(state["randomness"][0].cpu())
        for cuda_state in state["randomness"][1:]:
            torch.cuda.set_rng_state(cuda_state.cpu(), self.config.torch_device)
        self.records = {name: list(values.cpu().numpy()) for name, values in state["records"].items()}
        for name in ("order", "position", "step", "record_steps", "best"):
            setattr(self, name, state[name])
        self.threads = sorted({*self.threads, *state.get("threads", ())})

    def finish(self) -> Trajectory:
        if (name := non_finite(self.network)) is not None:
            raise SimulationError(f"{name} is not finite at step {self.step}")
        if self.best is not None:
            self.network.load_state_dict(self.best)
        self.network.eval()
        data = {name: np.stack(values) for name, values in self.records.items()}
        meta = {"config": asdict(self.config), "threads": self.threads}
        return Trajectory(np.array(self.record_steps), data, clock="step", meta=meta)


def measure(
    network: nn.Module, split: Split, config: TrainConfig, probes: Mapping[str, Probe], step: int
) -> dict[str, np.ndarray]:
    """Losses, scores and probes of one record, in eval mode; `SimulationError` for what is not finite.

    What a probe returns is copied: a view of the weights would go on changing with them.
    """
    values: dict[str, Any] = {}
    with batch_norm_mode(network, "running"):
        for part in ("train", "test"):
            x, y = (getattr(split, f"{name}_{part}")[: config.record_samples] for name in "xy")
            with kept(network):
                loss, score = evaluate(network, x, y, config.loss, config.target_scale)
            values |= {f"{part}_loss": loss, f"{part}_{score_name(y)}": score}
        _check_finite(values, step)  # before a probe is run on what has diverged
        for name, probe in probes.items():
            measured = probe(network, split)
            entries = measured.items() if isinstance(measured, Mapping) else [(None, measured)]
            values |= {name if key is None else f"{name}.{key}": np.array(detached(value)) for key, value in entries}
    _check_finite(values, step)
    return {name: np.asarray(value) for name, value in values.items()}


def _check_finite(values: Mapping[str, Any], step: int) -> None:
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise SimulationError(f"{name} is not finite at step {step}")


def make_optimiser(parameters, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser `config` names, in its fused form."""
    shared = {"lr": config.lr, "weight_decay": config.weight_decay, "fused": True}
    if config.optimiser == "sgd":
        return torch.optim.SGD(parameters, momentum=config.momentum, **shared)
    adam = torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW
    return adam(parameters, betas=config.betas, **shared)


@contextmanager
def training_numerics(device: torch.device) -> Iterator[None]:
    """Subnormal numbers count as zero inside, and a GPU runs only kernels that repeat their numbers."""
    flushing = (torch.tensor(1e-30) * torch.tensor(1e-10)).item() == 0
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.set_flush_denormal(True)
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushing)
        torch.use_deterministic_algorithms(deterministic)


@contextmanager
def _own_randomness(device: torch.device, seed: int) -> Iterator[None]:
    """Random layers (dropout) draw from `seed`; PyTorch's global generators are restored on leaving."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _digest(tensors: Iterable[Tensor]) -> str:
    """SHA-256 of the types, shapes and bytes of `tensors`."""
    digest = sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _random_states(device: torch.device) -> list[Tensor]:
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]
