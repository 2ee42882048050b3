"""Single-point mutants that somebody could write by mistake, each with the tests that must notice it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One slip.

    Parameters
    ----------
    what : str
        The slip in words.
    file : str
    old, new : str
        `old` stands once in the file.
    tests : str
        Files or nodes for pytest, apart by spaces.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str

    @property
    def package(self):
        return self.file.partition("/")[0]


T, C, F, D = "tests/toymodels", "tests/comparisons", "tests/figures", "tests/dnn"
STORED = f"{F}/harness/test_contract.py::test_stored_data_give_the_verdicts_of_the_ledger"
MUTANTS = (
    # toymodels
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
        "np.trapezoid((shares[0] - shares[1])[late], np.log10(t[late]))",
        "np.trapezoid((shares[0] - shares[1])[late], np.log(t[late]))",
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
    # dnn
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
    # comparisons: harness
    Mutant(
        "another run's data are judged",
        "comparisons/harness/study.py",
        "runs[name] = [running.load_run(task) for task in good]",
        "runs[name] = [running.load_run(good[0]) for task in good]",
        f"{C}/harness/test_store.py -k touches_nothing",
    ),
    Mutant(
        "replicates share their seed",
        "comparisons/harness/running.py",
        "return seed, replicate, zlib",
        "return seed, 0, zlib",
        f"{C}/harness/test_study.py",
    ),
    Mutant(
        "seeds share a key",
        "comparisons/harness/running.py",
        '"seed": seed,\n                "replicate"',
        '"seed": 0,\n                "replicate"',
        f"{C}/harness/test_store.py -k touches_nothing",
    ),
    Mutant(
        "a control has the key of its model",
        "comparisons/harness/running.py",
        '"settings": settings_identity(row.settings),',
        '"settings": {},',
        f"{C}/harness/test_store.py -k touches_nothing",
    ),
    Mutant(
        "mean for median of the replicates",
        "comparisons/harness/verdict.py",
        "        median = float(np.median(scores))",
        "        median = float(np.mean(scores))",
        f"{C}/harness/test_study.py -k median_decides",
    ),
    Mutant(
        "a control is absent in one replicate only",
        "comparisons/harness/verdict.py",
        "max(self.scores) < self.thresholds[0]",
        "min(self.scores) < self.thresholds[0]",
        f"{C}/harness/test_study.py -k median_decides",
    ),
    # comparisons: questions and models
    Mutant(
        "train and test exchanged in the lag",
        "comparisons/grokking/question.py",
        'for name in ("train", "test"))) for run in runs]',
        'for name in ("test", "train"))) for run in runs]',
        f"{C}/grokking/test_question.py",
    ),
    Mutant(
        "the scale of the digits' start is dead",
        "comparisons/grokking/models.py",
        "train_mlp(s, rng, scale=s.scale, ",
        "train_mlp(s, rng, scale=1.0, ",
        f"{C}/grokking/test_models.py",
    ),
    Mutant(
        "the scale of a network is dead",
        "comparisons/digits.py",
        "scale_parameters_(network, scale)",
        "scale_parameters_(network, 1.0)",
        f"{C}/test_digits.py",
    ),
    Mutant(
        "zero error taken as a tenth",
        "comparisons/neural_collapse/question.py",
        "ROUNDING = 1e-6 ",
        "ROUNDING = 1e-1 ",
        f"{C}/neural_collapse/test_question.py",
    ),
    Mutant(
        "the prediction of the start stands beside the end",
        "comparisons/neural_collapse/question.py",
        'predictions = [run["predicted"][-1]',
        'predictions = [run["predicted"][0]',
        f"{C}/neural_collapse/test_question.py",
    ),
    Mutant(
        "accuracy along the wrong axis",
        "comparisons/neural_collapse/models.py",
        '"train": float(((features @ weight.T).argmax(axis=1) == labels).mean()),',
        '"train": float(((features @ weight.T).argmax(axis=0) == labels[: len(weight)]).mean()),',
        f"{C}/neural_collapse/test_models.py",
    ),
    Mutant(
        "nats for bits: gaussian representation",
        "comparisons/information_bottleneck/models.py",
        "root @ gram @ root / noise**2)[1] / np.log(2))",
        "root @ gram @ root / noise**2)[1])",
        f"{C}/information_bottleneck/test_models.py",
    ),
    Mutant(
        "nats for bits: prediction",
        "comparisons/information_bottleneck/models.py",
        "0.5 * np.log2(1 + values / (s.noise**2 * constant))",
        "0.5 * np.log(1 + values / (s.noise**2 * constant))",
        f"{C}/information_bottleneck/test_models.py",
    ),
    Mutant(
        "half the noise is the noise",
        "comparisons/information_bottleneck/models.py",
        '"_half_noise": 0.5,',
        '"_half_noise": 1.0,',
        f"{C}/information_bottleneck/test_models.py",
    ),
    Mutant(
        "flow's sharpness is that of descent",
        "comparisons/edge_of_stability/models.py",
        'return _compared(s, steps, data, flow["sharpness"], **meta)',
        'return _compared(s, steps, data, data["sharpness"], **meta)',
        f"{C}/edge_of_stability/test_models.py",
    ),
    Mutant(
        "the loss of the digits in other units than its step",
        "comparisons/edge_of_stability/models.py",
        'config = TrainConfig(recorded[-1], "sgd", HALF_SUM * lr, ',
        'config = TrainConfig(recorded[-1], "sgd", lr, ',
        f"{C}/edge_of_stability/test_models.py",
    ),
    Mutant(
        "relative to the wrong diagonal",
        "comparisons/local_elasticity/models.py",
        "np.abs(np.diag(kernel))[:BASES, None]",
        "np.abs(np.diag(kernel))[None]",
        f"{C}/local_elasticity/test_models.py",
    ),
    Mutant(
        "training and test errors exchanged",
        "comparisons/double_descent/models.py",
        'found = {"test": errors[0], "train": errors[1]}',
        'found = {"test": errors[1], "train": errors[0]}',
        f"{C}/double_descent/test_models.py",
    ),
    Mutant(
        "small and full batch exchanged",
        "comparisons/implicit_regularisation/models.py",
        "small, full = participation(flows), np.full(len(flows), participation(flows[0]))",
        "full, small = participation(flows), np.full(len(flows), participation(flows[0]))",
        f"{C}/implicit_regularisation/test_models.py",
    ),
    Mutant(
        "the stage of a lazy start is predicted for a rich one",
        "comparisons/emergence/models.py",
        "stage_of(s.ratio, rise_of_sigmoid(s.start))",
        "stage_of(s.ratio, RISE_OF_EXPONENTIAL)",
        f"{C}/emergence/test_models.py",
    ),
    # figures
    Mutant(
        "sparsity of the largest batch for that of the smallest",
        "figures/neurashed/batch_size_claims.py",
        'lambda data: data["end_multiplicative"][0]),',
        'lambda data: data["end_multiplicative"][-1]),',
        f"{F}/neurashed/test_batch_size.py {STORED}",
    ),
    Mutant(
        "the law of the start",
        "figures/neurashed/batch_size_claims.py",
        '/ data["law"][:, -1] - 1)',
        '/ data["law"][:, 0] - 1)',
        f"{F}/neurashed/test_batch_size.py {STORED}",
    ),
    Mutant(
        "modes along the wrong axis",
        "figures/layerwise/sigmoidal_modes_claims.py",
        "for mode in data[name].T]",
        "for mode in data[name]]",
        f"{F}/layerwise/test_sigmoidal_modes.py {STORED}",
    ),
    Mutant(
        "median for mean over replicates",
        "figures/opt_npt/accuracy_by_depth_claims.py",
        "    mean = data[name].mean(-1)",
        "    mean = np.median(data[name], -1)",
        f"{F}/opt_npt/test_accuracy_by_depth.py {STORED}",
    ),
    Mutant(
        "the width of least gradient for its depth",
        "figures/opt_npt/accuracy_by_depth_claims.py",
        'data["gradient"].mean(-1).argmin(0)]',
        'data["gradient"].mean(-1).argmin(1)]',
        f"{F}/opt_npt/test_accuracy_by_depth.py {STORED}",
    ),
    Mutant(
        "losses exchanged",
        "figures/layerwise/teacher_student.py",
        '"told_train": told["train_loss"],',
        '"told_train": told["test_loss"],',
        f"{F}/layerwise/test_teacher_student.py",
    ),
    Mutant(
        "the noise of the cuts is dead",
        "figures/layerwise/teacher_student.py",
        "round(ratio * settings.dim), settings.noise)",
        "round(ratio * settings.dim), 0.5)",
        f"{F}/layerwise/test_teacher_student.py",
    ),
    Mutant(
        "the start of the networks is dead",
        "figures/condensation/initial_scale.py",
        "run = figure_two(rng, power, settings.replicates)",
        "run = figure_two(rng, 1.0, settings.replicates)",
        f"{F}/condensation/test_initial_scale.py",
    ),
    Mutant(
        "axes of a map swapped",
        "figures/layerwise/kernel_distances.py",
        "distance_and_loss(correlation, lam, scale, t,",
        "distance_and_loss(correlation, scale, lam, t,",
        f"{F}/layerwise/test_kernel_distances.py",
    ),
    Mutant(
        "running and batch statistics exchanged",
        "figures/opt_npt/batch_norm_lag_claims.py",
        "first_time(steps, running, 0.5) - min(first_time(steps, batch, 0.5), steps[-1])",
        "first_time(steps, batch, 0.5) - min(first_time(steps, running, 0.5), steps[-1])",
        f"{F}/opt_npt/test_batch_norm_lag.py",
    ),
    Mutant(
        "test accuracy as a share, not in points",
        "figures/opt_npt/gradient_phases_claims.py",
        'return 100 * data[f"{panel}_test"].max(1)',
        'return data[f"{panel}_test"].max(1)',
        f"{F}/opt_npt/test_gradient_phases.py",
    ),
    Mutant(
        "peaks along the wrong axis",
        "figures/opt_npt/basins_by_setting_claims.py",
        'np.abs(data["rate_accuracy"].argmax(0) - data["rate_sample_radius"].argmax(0))',
        'np.abs(data["rate_accuracy"].argmax(1) - data["rate_sample_radius"].argmax(1))',
        f"{F}/opt_npt/test_basins_by_setting.py",
    ),
    Mutant(
        "largest class over the small one",
        "figures/opt_npt/basins_by_class_claims.py",
        "radius[list(LARGE)].min() / radius[SMALL]",
        "radius[list(LARGE)].max() / radius[SMALL]",
        f"{F}/opt_npt/test_basins_by_class.py",
    ),
    Mutant(
        "the gap to the worse linear version",
        "figures/opt_npt/shallow_nonlinearity_claims.py",
        "return gaps(data, -1)[:, -1].min(-1)",
        "return gaps(data, -1)[:, -1].max(-1)",
        f"{F}/opt_npt/test_shallow_nonlinearity.py",
    ),
    Mutant(
        "the perceptron and the linear map exchanged",
        "figures/opt_npt/sorting_and_linear_layers_claims.py",
        'first_good_start(data[f"{kind}_map"]) - first_good_start(data[f"{kind}_perceptron"])',
        'first_good_start(data[f"{kind}_perceptron"]) - first_good_start(data[f"{kind}_map"])',
        f"{F}/opt_npt/test_sorting_and_linear_layers.py",
    ),
    Mutant(
        "the peak of the median run",
        "figures/neurashed/information_bottleneck_claims.py",
        'means = data["paper_level2_input"].mean(axis=1)',
        'means = np.median(data["paper_level2_input"], axis=1)',
        f"{F}/neurashed/test_information_bottleneck.py",
    ),
    Mutant(
        "the slope of equal epochs for that of equal updates",
        "figures/neurashed/extraction_claims.py",
        'return (slope(data["measured_ratio"][..., 0, :])',
        'return (slope(data["measured_ratio"][..., 1, :])',
        f"{F}/neurashed/test_extraction.py",
    ),
    Mutant(
        "time lost for time saved",
        "figures/layerwise/continual_learning_claims.py",
        "        return after / alone",
        "        return alone / after",
        f"{F}/layerwise/test_continual_learning.py",
    ),
    Mutant(
        "mean for root mean square",
        "figures/layerwise/skill_emergence_claims.py",
        "return np.sqrt(((strengths - model) ** 2).mean(axis=1)).max(axis=1)",
        "return np.abs(strengths - model).mean(axis=1).max(axis=1)",
        f"{F}/layerwise/test_skill_emergence.py",
    ),
    Mutant(
        "the mirror image in the scale",
        "figures/layerwise/kernel_distance_map_claims.py",
        "np.corrcoef(distances.ravel(), distances[::-1].ravel())",
        "np.corrcoef(distances.ravel(), distances[:, ::-1].ravel())",
        f"{F}/layerwise/test_kernel_distance_map.py",
    ),
    Mutant(
        "the number of the sample for its size",
        "figures/condensation/optimistic_sample_size_claims.py",
        'return data[name][arm][list(data["n"]).index(size)]',
        'return data[name][arm][min(size, len(data["n"])) - 1]',
        f"{F}/condensation/test_optimistic_sample_size.py -k size_is_found",
    ),
    Mutant(
        "the peak must stand by a laxer threshold",
        "comparisons/information_bottleneck/question.py",
        "np.partition(bits, -3)[-3] < asked.shown_from:",
        "np.partition(bits, -3)[-3] < asked.absent_below:",
        f"{C}/information_bottleneck/test_question.py",
    ),
    Mutant(
        "the loss of the full batch at the end of the small one's run",
        "comparisons/implicit_regularisation/models.py",
        "np.full(len(flows), value[0])}",
        "np.full(len(flows), value[-1])}",
        f"{C}/implicit_regularisation/test_models.py",
    ),
    Mutant(
        "prediction and ceiling exchanged",
        "comparisons/local_elasticity/models.py",
        '"predicted": predicted_rise(n_classes, s.dim), "ceiling": largest_rise(',
        '"predicted": largest_rise(n_classes, s.dim), "ceiling": predicted_rise(',
        f"{C}/local_elasticity/test_models.py",
    ),
    Mutant(
        "steps counted in classes instead of types",
        "comparisons/neural_collapse/models.py",
        "multiplicative_ratio(run.t * types,",
        "multiplicative_ratio(run.t * s.classes,",
        f"{C}/neural_collapse/test_models.py",
    ),
    Mutant(
        "the peak over the end",
        "comparisons/edge_of_stability/models.py",
        "loss.max() / loss[0])",
        "loss.max() / loss[-1])",
        f"{C}/edge_of_stability/test_models.py",
    ),
    Mutant(
        "the exponent of the opposite sign",
        "figures/layerwise/unconstrained_features_claims.py",
        "(left[1] - left[0]) /",
        "(left[0] - left[1]) /",
        f"{F}/layerwise/test_unconstrained_features.py",
    ),
    Mutant(
        "the strongest mode over the weakest",
        "figures/layerwise/theorems_claims.py",
        "[last / first for first, _, last in half]",
        "[first / last for first, _, last in half]",
        f"{F}/layerwise/test_theorems.py",
    ),
    Mutant(
        "what the noisiest copies gained",
        "figures/opt_npt/delayed_generalisation_claims.py",
        "return noisy.max(axis=1) - noisy[:, -1]",
        "return noisy.max(axis=1) - noisy[:, 0]",
        f"{F}/opt_npt/test_delayed_generalisation.py",
    ),
    Mutant(
        "all directions for those that count",
        "figures/condensation/orientations.py",
        '"count": counts[..., 0],',
        '"count": counts[..., 1],',
        f"{F}/condensation/test_orientations.py",
    ),
    Mutant(
        "the mean over time for that over models",
        "figures/neurashed/batch_size.py",
        '"nodes": nodes.mean(axis=1),',
        '"nodes": nodes.mean(axis=0),',
        f"{F}/neurashed/test_batch_size.py",
    ),
    Mutant(
        "the smallest batch for the largest",
        "figures/opt_npt/basins_by_setting_claims.py",
        'data["batch_sample_radius"][-1] /',
        'data["batch_sample_radius"][0] /',
        f"{F}/opt_npt/test_basins_by_setting.py",
    ),
    Mutant(
        "the rich start for the lazy one",
        "figures/layerwise/continual_learning_claims.py",
        "RICH, LAZY = 0, -1",
        "RICH, LAZY = -1, 0",
        f"{F}/layerwise/test_continual_learning.py {STORED}",
    ),
    Mutant(
        "the peak of the training error",
        "comparisons/double_descent/question.py",
        'mean_log_error(run["test"])[0]',
        'mean_log_error(run["train"])[0]',
        f"{C}/double_descent/test_question.py",
    ),
    Mutant(
        "rises of one skill for both",
        "comparisons/emergence/question.py",
        "np.median(2 * gaps / (rises[1:] + rises[:-1])))",
        "np.median(gaps / rises[1:]))",
        f"{C}/emergence/test_question.py",
    ),
    Mutant(
        "a flat network for a good one",
        "figures/opt_npt/shallow_nonlinearity_claims.py",
        "return tanh[:, -1] / tanh.max(1)",
        "return tanh[:, 0] / tanh.max(1)",
        f"{F}/opt_npt/test_shallow_nonlinearity.py",
    ),
    # figures: harness
    Mutant(
        "NaN is stored as data",
        "figures/harness/running.py",
        "    _refuse_bad_numbers(figure.name, data)\n",
        "",
        f"{F}/harness/test_running.py -k goes_wrong",
    ),
    Mutant(
        "seeds share a key",
        "figures/harness/running.py",
        '"seed": request.seed,\n        "stream"',
        '"seed": 0,\n        "stream"',
        f"{F}/harness/test_running.py -k touch_nothing",
    ),
)
