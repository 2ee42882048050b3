"""Sheet 7: what noise in the labels does to train and test error, and when to stop."""

import numpy as np

from docs.check import Curve, Formula, Number, Program, Span
from docs.course.answers.slopes import slope_at_start
from toymodels.layerwise import TeacherStudent
from toymodels.layerwise.student import Student

CLASS = TeacherStudent(dim=200, n_samples=240, noise=0.5)
SPANS = {"l": Span(0.3, 3.0), "sigma": Span(0.2, 1.5), "n": Span(2, 40, whole=True)}


def students(l, sigma, n):
    """Two data sets of one input each, whose mean is the average over the noise: the loss is quadratic in it."""
    x = np.sqrt(l) * np.ones((int(n), 1))
    shift = sigma / np.sqrt(n)  # standard deviation of the mean of the noise
    return [Student(x, x[:, 0] + sign * shift, [1.0]) for sign in (1, -1)]


def loss(l, sigma, n, t):
    """Mean test loss at the times t, in one direction of input variance 1, sample variance l."""
    return np.mean([student.solve(t)["test_loss"] for student in students(l, sigma, n)], axis=0)


def best_time(l, sigma, n):
    """When the mean test loss of one direction is lowest."""
    from scipy.optimize import brentq

    def slope(t):
        return slope_at_start(lambda later: loss(l, sigma, n, t + later), 0.1 / l)

    return brentq(slope, 1e-3 / l, 12 / l, xtol=1e-13, rtol=1e-12)


def final_loss(d, n, sigma):
    """Mean test loss at the end, d < n."""
    return TeacherStudent(int(d), int(n), sigma).solve([np.inf])["test_loss"][0]


def too_long():
    """Test loss at the end over that at the best time."""
    return CLASS.solve([np.inf])["test_loss"][0] / CLASS.optimal_stopping()[1]


PROBLEMS = {
    "start": Number(
        "test loss at t = 0, student at 0, teacher of norm 1",
        lambda: CLASS.solve([0.0])["test_loss"][0],
    ),
    "direction": Formula(
        "mean test loss 1/2 E (w - 1)^2 at time t in one direction: n samples of second moment l, noise sigma",
        lambda l, sigma, n, t: loss(l, sigma, n, [t])[0],
        {**SPANS, "t": Span(0.05, 5.0)},
        limits={"at t = 0": {"t": 0.0}, "at late times": {"t": 1e3}},
    ),
    "stop": Formula("when that loss is lowest", best_time, SPANS),
    "lowest": Formula("how low it then is", lambda l, sigma, n: loss(l, sigma, n, [best_time(l, sigma, n)])[0], SPANS),
    "overfit": Formula(
        "mean test loss at the end for d white inputs and n > d samples, both large",
        final_loss,
        {"d": Span(20, 200, whole=True), "n": Span(220, 800, whole=True), "sigma": Span(0.2, 1.5)},
    ),
    "descend": Program(
        "weight w after k steps of descent on l (w - c)^2 / 2 from w = 0",
        "descend",
        lambda l, c, lr, k: c * (1 - (1 - lr * l) ** k),
        {"l": Span(0.3, 2.0), "c": Span(-2, 2), "lr": Span(0.01, 0.3), "k": Span(0, 30, whole=True)},
    ),
    "curve": Curve(
        "mean test loss over t, d = 200, n = 240, noise 0.5",
        lambda t: CLASS.solve(t)["test_loss"],
        covers=(0.1, 100.0),
        x="t",
        y="test loss",
    ),
    "too-long": Number("test loss at the end over that at the best time, same setting", too_long, within=1e-2),
}
