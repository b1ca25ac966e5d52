# SPDX-License-Identifier: MIT
"""The theory's table, from numbers of known value."""

from mvi.report.theory_table import summary


def test_summary_shows_the_numbers_it_is_given():
    kinds = ("two_samples", "one_sample")
    consistency = {
        f"diffuse/{kind}/{what}/{name}": value
        for kind in kinds
        for what in ("marginal_x", "joint")
        for name, value in (("slope", -0.5012), ("slope_error", 0.0042))
    }
    terms = ("nll", "minvi", "marginals", "conditionals", "mean_field")
    training = {f"mp/{term}/last": 1.234 + i for i, term in enumerate(terms)}
    training |= {f"mp/{term}/last_sd": 0.056 for term in terms}
    labels = {"pcd": "ML (PCD)", "mp": "MinVI (MP)"}
    text = summary({"largest_residual": 3.2e-15}, consistency, training, labels)
    assert "distributions: 3.2e-15 nats" in text
    assert "| diffuse | two samples | -0.501 ± 0.004 | -0.501 ± 0.004 |" in text
    assert "| MinVI (MP) | 1.23 ± 0.06 | 2.23 ± 0.06 | 3.23 ± 0.06 | 4.23 ± 0.06 | 5.23 ± 0.06 |" in text
    assert "PCD" not in text
