"""A module at rest: it may be run, and everything that it holds is the same bits afterwards."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import random
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

P = ParamSpec("P")
R = TypeVar("R")

_INNER = frozenset(vars(nn.Module()))  # of which hooks and parts stay as they are
_SEQUENCES, _MAPPINGS = (list, deque), (dict, OrderedDict, defaultdict, Counter)
_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@contextlib.contextmanager
def slow_attention() -> Iterator[None]:
    """Without the fused kernel of attention in evaluation mode, which calls no submodule and has no derivatives."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextlib.contextmanager
def undisturbed(module: nn.Module) -> Iterator[nn.Module]:
    """As :func:`kept`, without the fused kernel of attention, so that all that happens inside can be heard.

    Parameters
    ----------
    module : Module
    """
    with kept(module), slow_attention():
        yield module


@contextlib.contextmanager
def kept(module: nn.Module) -> Iterator[nn.Module]:
    """The module in evaluation mode; all that running it may change is the same bits afterwards.

    These are parameters, buffers, training flags, its own numbers, tensors and random generators, and the random states
    of torch, numpy and Python; gradients are left alone.

    Parameters
    ----------
    module : Module
    """
    flags = {part: part.training for part in module.modules()}
    with same_draws(module), _parameters(module), lent_state(module):
        try:
            module.eval()
            yield module
        finally:
            for part, flag in flags.items():
                part.training = flag


def at_rest(function: Callable[P, R]) -> Callable[P, R]:
    """A function of a module, its first argument, that is :func:`kept` while the function runs.

    Parameters
    ----------
    function : callable
        Checks the module itself.
    """
    first = next(iter(inspect.signature(function).parameters))

    @functools.wraps(function)
    def resting(*args: P.args, **kwargs: P.kwargs) -> R:
        module = args[0] if args else kwargs.get(first)
        if not isinstance(module, nn.Module):
            return function(*args, **kwargs)
        with kept(module):
            return function(*args, **kwargs)

    return resting


@contextlib.contextmanager
def lent_state(module: nn.Module) -> Iterator[None]:
    """Copies in place of all buffers, and of the numbers, tensors and arrays that are attributes of any part.

    A forward pass may write into them, put others in their place, or add some; the module has its own again afterwards.

    Parameters
    ----------
    module : Module
    """
    known: dict[Any, Any] = {}
    before = []
    for part in module.modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue  # whose tensors lie elsewhere, see _parameters
        own = {name: value for name, value in vars(part).items() if name not in _INNER}
        before.append((part, own, dict(part._buffers), set(part._non_persistent_buffers_set)))
    try:
        for part, own, buffers, _ in before:
            vars(part).update({name: _copied(value, known) for name, value in own.items()})
            part._buffers.update({name: _copied(value, known) for name, value in buffers.items()})
        yield
    finally:
        for part, own, buffers, transient in before:
            for name in vars(part).keys() - _INNER - own.keys():
                del vars(part)[name]
            vars(part).update(own)
            part._buffers.clear()
            part._buffers.update(buffers)
            part._non_persistent_buffers_set = transient


def _copied(value: Any, known: dict[Any, Any]) -> Any:
    """A copy of a tensor, an array, or a container of them, in which shared ones are shared; all else is itself."""
    kind: Any = type(value)
    if isinstance(value, nn.Parameter) or not (isinstance(value, Tensor | np.ndarray) or kind in _COPIED):
        return value
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, Tensor):
        return known.setdefault(id(value), _copied_tensor(value, known))
    twin: Any = copy.copy(value)
    known[id(value)] = twin
    if kind in _MAPPINGS:
        twin.update({key: _copied(part, known) for key, part in twin.items()})
    elif kind in _SEQUENCES:
        for place, part in enumerate(value):
            twin[place] = _copied(part, known)
    elif kind is tuple:
        twin = known[id(value)] = tuple(_copied(part, known) for part in value)
    return twin


_COPIED = (*_SEQUENCES, *_MAPPINGS, set, tuple)


def _copied_tensor(value: Tensor, known: dict[Any, Any]) -> Tensor:
    """A copy that shares its memory with copies of those tensors with which `value` shares its own."""
    if type(value) is not Tensor or value.requires_grad or value.is_quantized or value.layout != torch.strided:
        with torch.enable_grad():
            return value.clone()
    place = value.untyped_storage().data_ptr()
    if not place:
        return value.clone()
    key = (place, value.dtype)
    if key not in known:
        known[key] = value.new_empty(0).set_(value.untyped_storage()).clone()
    return known[key].as_strided(value.shape, value.stride(), value.storage_offset())


@contextlib.contextmanager
def _parameters(module: nn.Module) -> Iterator[None]:
    """Parameters stay the tensors that they are, and get their values back where these were written to."""
    places = [(part, dict(part._parameters)) for part in module.modules() if not _is_scripted(part)]
    tensors = list(module.parameters())
    tensors += [values for part in module.modules() if _is_scripted(part) for values in part.buffers(recurse=False)]
    kept = [(values, values.data, values.data.clone()) for values in tensors if not nn.parameter.is_lazy(values)]
    try:
        yield
    finally:
        for part, parameters in places:
            part._parameters.clear()
            part._parameters.update(parameters)
        for values, place, before in kept:
            if not _same_bits(place, before):
                place.copy_(before)
            if values.data_ptr() != place.data_ptr() or values.shape != place.shape:
                values.data = place


def _is_scripted(part: nn.Module) -> bool:
    return isinstance(part, torch.jit.ScriptModule)


def _same_bits(values: Tensor, others: Tensor) -> bool:
    bits = None if values.layout != torch.strided else _BITS.get(values.element_size())
    return torch.equal(values, others) if bits is None else torch.equal(values.view(bits), others.view(bits))


@contextlib.contextmanager
def same_draws(*modules: nn.Module) -> Iterator[None]:
    """The random states of torch, numpy and Python, and of generators that are attributes of any part, are put back.

    Parameters
    ----------
    *modules : Module
    """
    tensors = (values for module in modules for values in module.parameters())
    devices = {values.device.index for values in tensors if values.device.type == "cuda"}
    if torch.cuda.is_available():
        devices.add(torch.cuda.current_device())
    parts = (part for module in modules for part in module.modules())
    put_back = [_back(value) for part in parts for value in vars(part).values()]
    legacy, python = np.random.get_state(), random.getstate()  # noqa: NPY002
    with torch.random.fork_rng(devices=sorted(devices)):
        try:
            yield
        finally:
            np.random.set_state(legacy)  # noqa: NPY002
            random.setstate(python)
            for back in filter(None, put_back):
                back()


def _back(generator: Any) -> Callable[[], Any] | None:
    """What sets a generator back to its present state; None for anything else."""
    if isinstance(generator, torch.Generator):
        state = generator.get_state()
        return lambda: generator.set_state(state)
    if isinstance(generator, np.random.Generator):
        state = generator.bit_generator.state
        return lambda: setattr(generator.bit_generator, "state", state)
    if isinstance(generator, np.random.RandomState):
        legacy = generator.get_state()
        return lambda: generator.set_state(legacy)
    if isinstance(generator, random.Random):
        python = generator.getstate()
        return lambda: generator.setstate(python)
    return None
