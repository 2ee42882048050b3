"""Every row of every study at a small size, and a few numbers of every curve that it has there.

The numbers, in `numbers.json`, tell that nothing has moved since they were written, not that it is right: that is for
the closed forms and the hand-worked cases of the other tests. After a change that is meant to move them,
`python -m tests.comparisons.small_runs STUDY... --write` writes those of the studies named anew and prints what moved.
"""
