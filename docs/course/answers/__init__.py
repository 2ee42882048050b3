"""How the problems of every sheet are judged: a module a sheet, each with `PROBLEMS`.

The truth is an exact solution of `toymodels`, evaluated where the answer is; no formula of a solution stands here.
"""
