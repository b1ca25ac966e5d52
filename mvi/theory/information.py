# SPDX-License-Identifier: MIT
"""Information measures of joint tables (X, Y), in nats: Eqs. 1 to 4, exactly.

Every function takes float64 arrays of probabilities that sum to 1. A state without mass adds
nothing, as 0 log 0 = 0; data mass where the model has none makes a divergence infinite.
"""

import numpy as np

from mvi.errors import ShapeError


def _checked(*tables: np.ndarray) -> None:
    for table in tables:
        if table.ndim != 2 or table.shape != tables[0].shape:
            raise ShapeError(
                f"joint tables must be matrices of one shape, not {[t.shape for t in tables]}; "
                "give the probabilities of x in rows and of y in columns."
            )
        if not (np.all(table >= 0) and abs(table.sum() - 1) < 1e-9):
            raise ShapeError(
                f"a joint table sums to {table.sum()} with least entry {table.min()}; give "
                "probabilities, which are not negative and sum to 1."
            )


def cross_entropy(data: np.ndarray, model: np.ndarray) -> float:
    """-sum of data * log(model) over all cells, any equal shapes; infinite where the model misses mass."""
    held = data > 0
    with np.errstate(divide="ignore"):
        return float(-(data[held] * np.log(model[held])).sum())


def entropy(table: np.ndarray) -> float:
    """Shannon entropy of a table of any shape."""
    return cross_entropy(table, table)


def kl(data: np.ndarray, model: np.ndarray) -> float:
    """KL(data || model) of two tables of one shape."""
    held = data > 0
    with np.errstate(divide="ignore"):
        return float((data[held] * np.log(data[held] / model[held])).sum())


def conditional(table: np.ndarray, given: str) -> np.ndarray:
    """(X, Y) table of P(x|y), columns sum to 1, for given="y"; of P(y|x), rows sum to 1, for
    given="x".

    A condition without mass has no conditional: its row or column is left at 0.
    """
    mass = table.sum(axis={"x": 1, "y": 0}[given], keepdims=True)
    return np.divide(table, mass, out=np.zeros_like(table), where=mass > 0)


def variation_of_information(table: np.ndarray) -> float:
    """VI of a joint table (Eq. 1), the expectation of -log P(x|y) - log P(y|x): H(X|Y) + H(Y|X)."""
    return minvi_loss(table, table)


def minvi_loss(data: np.ndarray, model: np.ndarray) -> float:
    """L^VI (Eq. 2): expectation under `data` of -log P(x|y) - log P(y|x) of `model`."""
    _checked(data, model)
    return cross_entropy(data, conditional(model, "y")) + cross_entropy(data, conditional(model, "x"))


def negative_log_likelihood(data: np.ndarray, model: np.ndarray) -> float:
    """L^NLL (Eq. 3): expectation under `data` of -log P(x, y) of `model`."""
    _checked(data, model)
    return cross_entropy(data, model)


TERMS = ("marginal_x", "marginal_y", "conditional_x", "conditional_y")
"""The four divergences of Eq. 4. "conditional_x" is that of P(X|Y), averaged over P_D(Y)."""


def decomposition(data: np.ndarray, model: np.ndarray) -> dict[str, float]:
    """Both sides of Eq. 4 for a model (X, Y) under data (X, Y), each computed on its own.

    Keys: the four `TERMS`; "marginals" (a) and "conditionals" (b without its constant), their sums
    by pair; "constant" = C1 + C2 (appendix A), "marginal_constant" C1 and "conditional_constant"
    C2; "nll" (Eq. 3), "minvi" (Eq. 2), and "vi" of the model itself (Eq. 1); "nll_residual", 2 NLL
    minus the right-hand side of Eq. 4, and "minvi_residual", L^VI minus (b) with C2 (Eq. 21), both
    0 but for rounding.
    """
    _checked(data, model)
    result = {
        "marginal_x": kl(data.sum(1), model.sum(1)),
        "marginal_y": kl(data.sum(0), model.sum(0)),
        "conditional_x": _expected_kl(data, model, "y"),
        "conditional_y": _expected_kl(data, model, "x"),
        "marginal_constant": entropy(data.sum(1)) + entropy(data.sum(0)),
        "conditional_constant": variation_of_information(data),
        "nll": negative_log_likelihood(data, model),
        "minvi": minvi_loss(data, model),
        "vi": variation_of_information(model),
    }
    result["marginals"] = result["marginal_x"] + result["marginal_y"]
    result["conditionals"] = result["conditional_x"] + result["conditional_y"]
    result["constant"] = result["marginal_constant"] + result["conditional_constant"]
    result["nll_residual"] = (
        2 * result["nll"] - result["marginals"] - result["conditionals"] - result["constant"]
    )
    result["minvi_residual"] = result["minvi"] - result["conditionals"] - result["conditional_constant"]
    return result


def _expected_kl(data: np.ndarray, model: np.ndarray, given: str) -> float:
    """Expectation over the data's condition of KL(P_D(.|condition) || P(.|condition)) (Eqs. 19 and 20)."""
    held = data > 0
    true, predicted = conditional(data, given), conditional(model, given)
    with np.errstate(divide="ignore"):
        return float((data[held] * np.log(true[held] / predicted[held])).sum())
