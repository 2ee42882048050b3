import sympy

from toymodels.neurashed.worked_example import differences, printed_increments, symbolic_logits, symbols


def test_the_polynomials_of_the_paper_are_those_of_the_graph():
    assert differences() == [0] * 6


def test_class_2_moves_more_than_class_3_only_if_5_n2_exceeds_2_n3():
    _, _, n2, n3 = symbols()
    _, second, third = printed_increments()
    values = {n2: 2, n3: 6}
    assert sympy.simplify(second - third).subs(values) < 0
    assert sympy.simplify(second - third).subs({n2: 2, n3: 4}) > 0


def test_logits_are_polynomials_of_degree_two_in_the_counts():
    for logit in symbolic_logits():
        assert sympy.Poly(sympy.expand(logit), *symbols()[1:]).total_degree() == 2
