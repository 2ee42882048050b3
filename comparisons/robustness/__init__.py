"""Whether the verdicts of studies hold at other seeds and at other sizes: `python -m comparisons robustness`."""
