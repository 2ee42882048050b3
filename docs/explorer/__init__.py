"""Pages that move: each opens as a file, asks nothing of a network, and computes with formulas printed from sympy.

python -m docs.explorer [--out FOLDER]

A page is its words (`pages/`), its script (`assets/NAME.js`), the formulas that it needs (`formulas.py`, printed as
JavaScript and MathML), flows without a closed form (`flows.py`, whose Taylor series are printed), and data: graphs of
the suite's own, and recorded runs (`recorded.json`, made anew by `python -m docs.explorer --record`).
"""
