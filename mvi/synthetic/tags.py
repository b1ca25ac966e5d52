# SPDX-License-Identifier: MIT
"""The tags of imagined users: drawn for a scene, and their exact probabilities given the scene.

A user of zeal z who sees concepts c of strengths s_c and knows outcomes h that cannot be seen (camera,
year, place, event, own habits) leaves out tag t with probability

    (1 - stray) prod_c (1 - w_ct)^(z s_c) prod_h (1 - w_ht)^z,

a noisy-or in which w are the probabilities of `vocabulary.py`, and each tag independently of the others. A
user of zeal 0 writes nothing. Zeal does not depend on the scene, and what cannot be seen only on its kind.
Summed over both, this is P(tag | scene). The image is drawn from the scene alone, so that on average no
predictor that is given the image has a smaller log loss than these probabilities.
"""

from dataclasses import dataclass

import numpy as np

from mvi.synthetic.concepts import CONCEPTS
from mvi.synthetic.kinds import KINDS
from mvi.synthetic.vocabulary import HIDDEN, SEEN

# Zeal, and the share of users who have it.
ZEAL = {0.0: 0.135, 0.5: 0.225, 1.1: 0.31, 1.8: 0.22, 3.0: 0.11}
STRAY = 0.0007  # the probability of any one tag for no reason at all


@dataclass(frozen=True)
class _Outcome:
    variable: str
    group: str
    weight: float
    probabilities: dict[str, float]


def _lines(table: str) -> list[str]:
    return table.strip().replace(",\n", ",").splitlines()


def _parse(cells: str) -> dict[str, float]:
    pairs = (cell.split() for cell in cells.split(",") if cell.strip())
    return {tag: float(probability) for tag, probability in pairs}


def _seen() -> dict[str, dict[str, float]]:
    seen = {}
    longest_first = sorted(CONCEPTS, key=len, reverse=True)
    for line in _lines(SEEN):
        concept = next(name for name in longest_first if line.startswith(name + " "))
        seen[concept] = _parse(line[len(concept) :])
    return seen


def _hidden() -> list[_Outcome]:
    outcomes = []
    for line in _lines(HIDDEN):
        variable, group, _, weight, *probabilities = line.split(maxsplit=4)
        outcomes.append(
            _Outcome(variable, group, float(weight), _parse(probabilities[0] if probabilities else ""))
        )
    return outcomes


class Tagger:
    """The imagined users; `tags` is their vocabulary, alphabetical."""

    def __init__(self) -> None:
        seen, hidden = _seen(), _hidden()
        known = [*seen.values(), *(outcome.probabilities for outcome in hidden)]
        self.tags: list[str] = sorted({tag for probabilities in known for tag in probabilities})
        self._column = {tag: number for number, tag in enumerate(self.tags)}
        # log(1 - w), (concepts, tags).
        self._seen = self._absence([seen.get(concept, {}) for concept in CONCEPTS])
        # By kind of scene, for each variable: the weights of its outcomes and their log(1 - w).
        self._hidden = {kind: self._variables(hidden, world.group) for kind, world in KINDS.items()}

    def _absence(self, rows: list[dict[str, float]]) -> np.ndarray:
        probabilities = np.zeros((len(rows), len(self.tags)))
        for row, given in zip(probabilities, rows, strict=True):
            for tag, probability in given.items():
                row[self._column[tag]] = probability
        return np.log1p(-probabilities)

    def _variables(self, hidden: list[_Outcome], group: str) -> list[tuple[np.ndarray, np.ndarray]]:
        variables = []
        for variable in dict.fromkeys(outcome.variable for outcome in hidden):
            every = [outcome for outcome in hidden if outcome.variable == variable]
            own = [outcome for outcome in every if outcome.group == group]
            chosen = own or [outcome for outcome in every if outcome.group == "*"]
            weights = np.array([outcome.weight for outcome in chosen])
            variables.append(
                (weights / weights.sum(), self._absence([outcome.probabilities for outcome in chosen]))
            )
        return variables

    def draw(self, kind: str, summary: np.ndarray, generator: np.random.Generator) -> list[str]:
        """Return the tags that one user gives to a scene, in the order of writing.

        `kind` is the kind of the scene and `summary` (concepts,) the strengths of what it shows.
        """
        zeal = list(ZEAL)[_outcome(np.array(list(ZEAL.values())), generator)]
        if zeal == 0:
            return []
        left_out = summary @ self._seen
        for weights, absence in self._hidden[kind]:
            left_out += absence[_outcome(weights, generator)]
        probabilities = 1 - (1 - STRAY) * np.exp(zeal * left_out)
        written = np.flatnonzero(generator.random(len(self.tags)) < probabilities)
        return [self.tags[number] for number in generator.permutation(written)]

    def probabilities(self, kinds: list[str], summaries: np.ndarray) -> np.ndarray:
        """Return P(tag | scene), (n, tags) float64, for scenes of `kinds` (n,) with `summaries` (n,
        concepts).
        """
        names = np.asarray(kinds)
        seen = summaries @ self._seen
        total = np.zeros_like(seen)
        for zeal, share in ZEAL.items():
            if zeal == 0:
                continue
            left_out = (1 - STRAY) * np.exp(zeal * seen)
            for kind, variables in self._hidden.items():
                unseen = np.prod([weights @ np.exp(zeal * absence) for weights, absence in variables], axis=0)
                left_out[names == kind] *= unseen
            total += share * (1 - left_out)
        return total


def _outcome(weights: np.ndarray, generator: np.random.Generator) -> int:
    # Rounding may leave the last sum a little below 1.
    return min(int(np.searchsorted(np.cumsum(weights), generator.random(), side="right")), len(weights) - 1)
