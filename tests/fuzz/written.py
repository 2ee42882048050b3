"""Good calls of what is exported without an example, and of what the layers above the models are used by."""

import tempfile
from pathlib import Path

import numpy as np

from tests.fuzz.calls import Good


def networks():
    """Calls of `dnn` on six samples of two classes; a network's own call is torch's, whose errors it has."""
    import torch

    import dnn
    from dnn import probes
    from dnn.data import Split

    x = torch.tensor([[-1.0, 0.2], [0.5, -0.7], [0.1, 1.3], [1.0, 0.4], [-0.4, -1.1], [0.9, 0.9]])
    y = torch.tensor([1, 0, 0, 1, 0, 1])
    split, rng = Split(x, y, x.flip(0), y.flip(0)), np.random.default_rng(0)
    mlp = dnn.MLP([2, 3, 2], rng=np.random.default_rng(0))
    normed = dnn.MLP([2, 3, 3, 2], batch_norm=True, rng=np.random.default_rng(1))
    said = mlp(x).argmax(1).detach()
    config = dnn.TrainConfig(n_steps=3, records=2)
    fields, sign, labels = np.arange(12.0).reshape(6, 2) % 5, np.array([[1.0, -1.0], [-1.0, 1.0]]), y.numpy()
    recorder = dnn.Recorder(split, ["accuracy"], every=1)
    common = {"network": mlp, "split": split}
    own = {
        dnn.MLP: {"widths": [2, 3, 2], "activation": "relu", "batch_norm": True, "bn_momentum": 0.1, "rng": rng},
        dnn.TrainConfig: {
            "n_steps": 3,
            "optimiser": "adam",
            "lr": 1e-3,
            "weight_decay": 0.0,
            "momentum": 0.0,
            "betas": (0.9, 0.999),
            "loss": "mse",
            "target_scale": 1.0,
            "batch_size": 2,
            "schedule": "cosine",
            "warmup_steps": 1,
            "clip_norm": 1.0,
            "records": 2,
            "record_samples": 3,
            "patience": 2,
            "dtype": "float32",
            "device": "cpu",
        },
        dnn.train: {**common, "config": config, "rng": rng, "probes": {"accuracy": lambda network, split: 1.0}},
        dnn.train_ensemble: {"networks": [mlp], "split": split, "configs": config, "rngs": [rng]},
        dnn.rank_probability: {"fields": fields, "sign": sign, "labels": labels, "bins": 4},
        dnn.rank_gradient: {"fields": fields, "sign": sign, "labels": labels},
        dnn.linear_map: {"network": normed, "layer": 1, "x": x, "statistics": "batch"},
        dnn.sample_basin: {
            "network": mlp,
            "x": x,
            "y": said,
            "rng": rng,
            "by": "all",
            "method": "bisection",
            "amplitudes": np.array([0.1, 1.0]),
            "draws": 2,
            "span": 1.0,
            "statistics": "running",
        },
        dnn.weight_basin: {
            "network": mlp,
            "x": x,
            "y": said,
            "rng": rng,
            "amplitudes": np.array([0.1, 1.0]),
            "draws": 2,
        },
        dnn.project: {"network": normed, "x": x, "statistics": "running"},
        dnn.pruned_accuracy: {**common, "method": "perceptron", "statistics": "running", "part": "train"},
        dnn.hessian_trace: {"module": mlp, "x": x, "y": y, "loss": "cross_entropy", "rng": rng, "draws": 2},
        dnn.sharpness: {"module": normed, "x": x, "y": y, "loss": "mse", "statistics": "batch"},
        dnn.observe: {"module": mlp, "data": split, "quantities": ["accuracy", "nc1"], "layers": "*", "samples": 4},
        dnn.Recorder: {
            "data": split,
            "quantities": ["accuracy"],
            "every": 2,
            "layers": "*",
            "samples": 3,
            "test": (x, y),
        },
        recorder.__call__: {"module": mlp, "step": 1},
        recorder.is_due: {"step": 1},
        recorder.load_state_dict: {"state": recorder.state_dict()},
        dnn.extract: {"network": normed, "x": x, "y": y, "similarity": 0.5, "rare": 0.01, "shuffles": 2, "rng": rng},
        dnn.merge_units: {
            "module": mlp,
            "layer": "linears.0",
            "threshold": 0.9,
            "tolerance": 1e-6,
            "x": x,
            "y": y,
            "loss": "mse",
        },
        dnn.split_unit: {"module": mlp, "layer": "linears.0", "unit": 0, "fraction": 0.5},
        dnn.data.load: {"name": "mnist-mini", "root": None},
        probes.accuracy: {"network": mlp, "x": x, "y": y, "statistics": "running"},
        probes.basins: {**common, "draws": 1, "samples": 4, "amplitudes": np.array([0.1, 1.0]), "rng": rng},
        probes.collapse: {**common, "part": "train", "statistics": "running"},
        probes.condensation: {**common, "layer": 2, "threshold": 0.9},
        probes.elasticity: {**common, "bases": 2, "samples": 4},
        probes.information: {**common, "bins": 3, "samples": 4},
        probes.kernel_distance: {**common, "reference": normed, "samples": 3},
        probes.layer_gradients: {"network": mlp, "x": x, "y": y, "statistics": "running"},
        probes.linear_map_accuracy: {**common, "part": "test", "statistics": "running", "method": "linear_map"},
        probes.rank_gradients: {**common, "part": "train", "statistics": "batch"},
    }
    own[probes.kernel_distance]["reference"] = dnn.MLP([2, 3, 2], rng=np.random.default_rng(3))
    return [Good(f"{function.__module__}.{function.__qualname__}", function, given) for function, given in own.items()]


def studies():
    """Calls of `comparisons`, on the study of a blink."""
    import comparisons
    from comparisons import Model, Verdict, grokking
    from tests.comparisons.harness.toy import STUDY

    out = Path(tempfile.mkdtemp())
    done = STUDY.run(models=["late"], replicates=1, out=out)
    score = grokking.score("neurashed")

    def lag(rng, growth):
        return score(rng=rng, growth=growth)["score"]

    own = {
        STUDY.run: {
            "models": ["late"],
            "settings": {"late.lag": 1.0},
            "preset": "quick",
            "seed": 1,
            "replicates": 1,
            "jobs": 1,
            "engine": "local",
            "out": str(out),
            "resume": True,
            "device": "cpu",
            "picture": False,
        },
        STUDY.settings: {"changes": {"late.lag": 1.0}, "preset": "quick"},
        STUDY.chosen: {"models": ["late"]},
        STUDY.model_named: {"name": "late"},
        grokking.score: {"model": "neurashed"},
        lag: {"rng": np.random.default_rng(0), "growth": 1.5},
        comparisons.load: {"folder": str(done.folder)},
        done.dataset: {"row": "late"},
        Verdict: {"outcome": "shown", "scores": (0.5, 0.6), "thresholds": (0.3, 0.5), "note": "", "predicted": 1.0},
        Verdict.from_scores: {"scores": [0.5, 0.7], "absent_below": 0.3, "shown_from": 0.5},
        Model: {"run": STUDY.judge, "settings": STUDY.models["late"].settings, "off": {"lag": 0.0}, "members": 2},
    }
    return [Good(f"comparisons.{function.__qualname__}", function, given) for function, given in own.items()]


def figures():
    """Calls of `figures`, on the figure of a blink, and what a claim is made of."""
    from figures.harness import registry, running
    from tests.figures.harness import toy

    out = tempfile.mkdtemp()

    def made(preset, changes, seed, jobs, engine, device, data, out, format, resume):
        result = running.make(
            running.Request(toy.FIGURE, preset, changes, seed, jobs, engine, device, data, out, format, resume)
        )
        if result.error:
            raise ValueError(result.error)
        return result.claims[0].median

    given = {
        "preset": "quick",
        "changes": {"level": 1.0},
        "seed": 0,
        "jobs": 1,
        "engine": "local",
        "device": "cpu",
        "data": None,
        "out": out,
        "format": "png",
        "resume": False,
    }
    return [
        Good("figures.harness.running.make", made, given),
        Good("figures.harness.registry.find", registry.find, {"word": "sigmoidal_modes"}),
    ]


def written():
    """All of them, by package."""
    return [*networks(), *studies(), *figures()]
