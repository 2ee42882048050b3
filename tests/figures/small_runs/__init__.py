"""Every figure at a small size, and a few numbers of every array that it computes there.

The numbers, in `numbers.json`, tell that nothing has moved since they were written, not that it is right: that is for
the made-up data of the claims, in `tests/figures/claims`, and for the closed forms against which the models are tested.
After a change that is meant to move them, `python -m tests.figures.small_runs NAME... --write` writes those of the
figures named anew and prints what moved.
"""
