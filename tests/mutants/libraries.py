"""Slips in the models, the metrics, the store, and in what trains and reads networks."""

from tests.mutants.mutant import C, D, Mutant, T

MUTANTS = (
    Mutant(
        "one NaN replicate is judged",
        "toymodels/claims.py",
        "if values.size == 0 or np.isnan(values).any():",
        "if values.size == 0:",
        f"{T}/test_claims.py",
    ),
    Mutant(
        "two replicates of a sweep share a key",
        "toymodels/run/sweep.py",
        '"replicate": replicate, "seed": seed}\n        ',
        '"replicate": 0, "seed": seed}\n        ',
        f"{T}/run/test_sweep.py",
    ),
    Mutant(
        "edited code keeps its key",
        "toymodels/run/cells.py",
        'for key in ("asked", "made_by")})',
        'for key in ("asked",)})',
        f"{C}/harness/test_store.py -k edit",
    ),
    Mutant(
        "nats for bits: linear channel",
        "toymodels/metrics/information/linear.py",
        "return float(np.logaddexp(0, 2 * logs).sum() / (2 * np.log(2)))",
        "return float(np.logaddexp(0, 2 * logs).sum() / 2)",
        f"{T}/metrics/information/test_linear.py",
    ),
    Mutant(
        "lag in natural logs",
        "toymodels/metrics/grokking.py",
        "area((shares[0] - shares[1])[late], np.log10(t[late]))",
        "area((shares[0] - shares[1])[late], np.log(t[late]))",
        f"{T}/metrics/test_grokking.py {C}/grokking/test_question.py",
    ),
    Mutant(
        "median for mean of log errors",
        "toymodels/metrics/double_descent.py",
        "return logs.mean(axis=1), logs",
        "return np.median(logs, axis=1), logs",
        f"{T}/metrics/test_double_descent.py",
    ),
    Mutant(
        "centred contrast of the wrong pairs",
        "toymodels/metrics/elasticity.py",
        "near, far = float(change[own].mean()), float(change[other].mean())",
        "near, far = float(change[other].mean()), float(change[own].mean())",
        f"{T}/metrics/test_elasticity.py",
    ),
    Mutant(
        "the perceptron is fitted on test data",
        "dnn/reading/linear_maps.py",
        "perceptron_logits(network, split.x_train, x, ",
        "perceptron_logits(network, split.x_test, x, ",
        f"{D}/reading/test_linear_maps.py",
    ),
    Mutant(
        "a copied data file is not verified",
        "dnn/data/fetching.py",
        'is_published(source, name, raw):\n            return raw\n        tries.append(f"{path}: not the published',
        'raw:\n            return raw\n        tries.append(f"{path}: not the published',
        f"{D}/data/test_fetching.py",
    ),
    Mutant(
        "losses exchanged",
        "dnn/training/objectives.py",
        '"mse": functional.mse_loss,',
        '"mse": functional.smooth_l1_loss,',
        f"{D}/training/test_objectives.py {D}/training/test_loop.py",
    ),
    Mutant(
        "the scale of the target is dead",
        "dnn/training/objectives.py",
        "return scale * functional.one_hot(labels, n_classes).to(dtype)",
        "return functional.one_hot(labels, n_classes).to(dtype)",
        f"{D}/training/test_objectives.py {D}/training/test_loop.py",
    ),
    Mutant(
        "training measured on test data",
        "dnn/training/loop.py",
        'f"{name}_{part}")[: config.record_samples]',
        'f"{name}_test")[: config.record_samples]',
        f"{D}/training/test_loop.py",
    ),
    Mutant(
        "sample and weight basins exchanged",
        "dnn/probes/robustness.py",
        '"sample": sample_basin(classifier, x, y, rng, **options).radius,',
        '"sample": weight_basin(classifier, x, y, rng, **options).radius,',
        f"{D}/test_probes.py -k basins",
    ),
)
