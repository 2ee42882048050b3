"""What a snapshot says of a function's gradient, found by moving one parameter at a time."""

import numpy as np


def jacobian(now, step=1e-5):
    """Derivative (n, K, p) of the outputs by all parameters, by central differences."""
    columns = []
    for k, values in enumerate(now.parameters):
        for index in np.ndindex(values.shape):
            sides = []
            for sign in (1, -1):
                moved = [np.array(each, dtype=float) for each in now.parameters]
                moved[k][index] += sign * step
                sides.append(now.predict(now.inputs, moved))
            columns.append((sides[0] - sides[1]) / (2 * step))
    return np.stack(columns, axis=-1)


def kernel_and_changes(now, direction):
    """The tangent kernel averaged over outputs, and what an update along `direction` (B, K) moves, (B, n, K)."""
    slopes = jacobian(now)
    whole = np.einsum("nkp,mlp->nkml", slopes, slopes)
    kernel = np.einsum("nkmk->nm", whole) / whole.shape[1]
    return kernel, np.einsum("nkbl,bl->bnk", whole[:, :, : len(direction)], direction)
