# SPDX-License-Identifier: MIT
"""Theorem 2.1 measured: two conditionals learned from n examples give back the joint distribution.

Conditionals are estimated from counts, the transition operators of section 2.3 are built from them,
and the stationary distributions and the joint are compared with the truth as n grows. Where both
conditionals come from *one* sample, they belong to the smoothed empirical joint, which is then
recovered trivially. Where each direction has a sample of its own, no joint distribution has both as
its conditionals in general; the joint is only implicit, which the theorem allows.

Axes: leading batch axes, then x, then y.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mvi.errors import ConfigError, NonFiniteError
from mvi.theory import worlds
from mvi.theory.information import conditional

SAMPLINGS = ("two_samples", "one_sample")
ERRORS = ("conditionals", "transitions", "marginal_x", "marginal_y", "joint", "disagreement")
"""What is measured, see `errors`."""


def estimate(counts: np.ndarray, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """P(x|y) and P(y|x), both (..., X, Y), from counts (..., X, Y).

    `smoothing` > 0 is added to every cell. It keeps each conditional positive, hence each chain
    ergodic, and its weight against n counts vanishes as 1/n, faster than the sampling error does.
    """
    cells = counts + smoothing
    return cells / cells.sum(-2, keepdims=True), cells / cells.sum(-1, keepdims=True)


def transitions(x_given_y: np.ndarray, y_given_x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T^X (..., X, X) and T^Y (..., Y, Y) of section 2.3; entry [j, k] is the probability of k -> j."""
    back = np.swapaxes(y_given_x, -1, -2)
    return x_given_y @ back, back @ x_given_y


def stationary(transition: np.ndarray) -> np.ndarray:
    """(..., N) stationary distribution of column-stochastic (..., N, N), by Eqs. 25 and 26.

    Raises `NonFiniteError` where the chain has more than one (it is not irreducible).
    """
    size = transition.shape[-1]
    system = transition - np.eye(size)
    system[..., -1, :] = 1
    right = np.zeros((size, 1))
    right[-1] = 1
    # The matrix of a reducible chain is singular, but rounding may hide that from the solver.
    if np.any(np.linalg.cond(system) > 1e14):
        raise NonFiniteError(
            "a transition operator is reducible and has no unique stationary distribution; "
            "raise smoothing so that every state can be reached."
        )
    return np.linalg.solve(system, right)[..., 0]


def errors(world: np.ndarray, x_given_y: np.ndarray, y_given_x: np.ndarray) -> dict[str, np.ndarray]:
    """Distances (...) between what the conditionals (..., X, Y) imply and the world (X, Y).

    "conditionals", "transitions": largest absolute difference over both directions; "marginal_x",
    "marginal_y", "joint": total variation of pi(x), pi(y) and P(x|y) pi(y); "disagreement": total
    variation between P(x|y) pi(y) and P(y|x) pi(x), which is 0 where one joint has both
    conditionals.
    """
    truth = conditional(world, "y"), conditional(world, "x")
    chains = transitions(x_given_y, y_given_x)
    pi_x, pi_y = (stationary(chain) for chain in chains)
    joint = x_given_y * pi_y[..., None, :]
    mirrored = y_given_x * pi_x[..., :, None]
    return {
        "conditionals": _largest((x_given_y, y_given_x), truth),
        "transitions": _largest(chains, transitions(*truth)),
        "marginal_x": np.abs(pi_x - world.sum(1)).sum(-1) / 2,
        "marginal_y": np.abs(pi_y - world.sum(0)).sum(-1) / 2,
        "joint": np.abs(joint - world).sum((-2, -1)) / 2,
        "disagreement": np.abs(joint - mirrored).sum((-2, -1)) / 2,
    }


def _largest(found: tuple[np.ndarray, ...], truth: tuple[np.ndarray, ...]) -> np.ndarray:
    return np.maximum(*(np.abs(a - b).max(axis=(-2, -1)) for a, b in zip(found, truth, strict=True)))


def slope(sizes: np.ndarray, measured: np.ndarray) -> tuple[float, float]:
    """Least-squares slope of log error (S, R) against log n (S,): mean over repetitions, standard error."""
    log_n = np.log(sizes) - np.log(sizes).mean()
    slopes = log_n @ np.log(measured) / (log_n @ log_n)
    return float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))


def measure(settings: Mapping[str, Any], seed: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Errors against n on a diffuse and on a coupled world.

    `settings`: x_states, y_states, concentration (of the diffuse world), leak (of the coupled
    world), smoothing, sample_sizes, fit_from (least n of the fits), repetitions.

    Returns flat numbers and arrays, keyed "<world>/<sampling>/<error>": "/slope" with
    "/slope_error", and "/first", "/last" (mean error at the least and the largest n); the array
    itself is (sizes, repetitions). Also "<world>/mixing", the second largest modulus of the
    eigenvalues of T^X; "<world>/bound", the largest ratio seen of the left- to the right-hand side
    of Eq. 28 (never above 1); and arrays "sample_sizes" and "<world>/table".
    """
    sizes = np.asarray(settings["sample_sizes"])
    fitted = sizes >= settings["fit_from"]
    if fitted.sum() < 2:
        raise ConfigError(
            f"fit_from is {settings['fit_from']} but sample_sizes reaches only {sizes.max()}; "
            "a slope needs two sample sizes at least as large as fit_from."
        )
    generator = np.random.default_rng(seed)
    shape = (settings["x_states"], settings["y_states"])
    tables = {
        "diffuse": worlds.dirichlet(shape, settings["concentration"], generator),
        "coupled": worlds.coupled(shape, settings["leak"], generator),
    }
    numbers: dict[str, float] = {"fit_from": settings["fit_from"]}
    curves: dict[str, np.ndarray] = {"sample_sizes": sizes}
    for name, world in tables.items():
        curves[f"{name}/table"] = world
        moduli = np.abs(np.linalg.eigvals(transitions(conditional(world, "y"), conditional(world, "x"))[0]))
        numbers[f"{name}/mixing"] = float(np.sort(moduli)[-2])
        ratios = []
        for sampling in SAMPLINGS:
            found = [errors(world, *_conditionals(world, n, sampling, settings, generator)) for n in sizes]
            for kind in ERRORS:
                key = f"{name}/{sampling}/{kind}"
                curves[key] = np.stack([row[kind] for row in found])
                if kind == "disagreement" and sampling == "one_sample":
                    continue  # zero but for rounding, which has no slope
                numbers[f"{key}/slope"], numbers[f"{key}/slope_error"] = slope(
                    sizes[fitted], curves[key][fitted]
                )
                numbers[f"{key}/first"] = float(curves[key][0].mean())
                numbers[f"{key}/last"] = float(curves[key][-1].mean())
            epsilon = curves[f"{name}/{sampling}/conditionals"]
            ratios.append(curves[f"{name}/{sampling}/transitions"] / (2 * epsilon * max(world.shape)))
        numbers[f"{name}/bound"] = float(np.max(ratios))
    return numbers, curves


def _conditionals(
    world: np.ndarray,
    n: int,
    sampling: str,
    settings: Mapping[str, Any],
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """P(x|y) and P(y|x), (R, X, Y); each repetition has its own n examples, or n for each direction."""

    def counts() -> np.ndarray:
        drawn = generator.multinomial(n, world.ravel(), size=settings["repetitions"])
        return drawn.reshape(-1, *world.shape)

    x_given_y, y_given_x = estimate(counts(), settings["smoothing"])
    if sampling == "two_samples":
        y_given_x = estimate(counts(), settings["smoothing"])[1]
    return x_given_y, y_given_x
