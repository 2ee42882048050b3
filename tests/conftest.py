import os

import matplotlib
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

matplotlib.use("Agg")

_common = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=25, derandomize=True, **_common)
settings.register_profile("ci", max_examples=50, derandomize=True, **_common)
settings.register_profile("thorough", max_examples=2000, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

if settings().derandomize:
    # Hypothesis also tries the constants of the modules that are loaded, and which those are depends on the worker
    providers._get_local_constants = lambda: providers._local_constants
