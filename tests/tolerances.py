"""Why two numbers may differ, each reason with a name."""

EXACT = {"rtol": 1e-12, "atol": 1e-12}  # same formula, different order of operations
FLOW = 1e-8  # closed form against DOP853 at its least tolerance, relative to the scale of the answer
SOLVER = {"rtol": 1e-6, "atol": 1e-8}  # against an ODE solver at its default settings
FLOAT32 = {"rtol": 1e-4, "atol": 1e-5}  # single precision
ORDER = {"atol": 0.05}  # measured order of convergence
MONTE_CARLO = 4  # standard errors
