# SPDX-License-Identifier: MIT
"""Mean-field iterations varied: which scores are a line of Table 3 and of its figure.

The paper's text leaves open whether the number was changed in training too. Both are given: *fixed*, one
model trained with the main number and evaluated with every number, and *matched*, a model for each number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mvi.report.scores import Key


@dataclass(frozen=True)
class Line:
    """One query and the numbers of iterations at test, each with the number in training."""

    kind: str
    """"fixed", "matched", or "trained" for each other model evaluated with every number."""
    query: str
    training: Mapping[int, int]
    method: str
    inferred: bool
    """Whether a modality is; a query that lacks none has one number, whatever the iterations at test."""

    def keys(self, metric: str, part: str) -> dict[int, Key]:
        """The scores by iterations at test."""
        return {
            n: Key(self.method, metric, self.query, part, f"trained={model}", n if self.inferred else None)
            for n, model in self.training.items()
        }


def sweep_lines(
    method: str, main: int, trained: Sequence[int], tested: Sequence[int], queries: Sequence[str]
) -> list[Line]:
    """The lines of fixed and of matched training iterations, and below them the other models.

    method: the model, trained with each number of `trained` and evaluated with each of `tested`, both sorted
    queries: the multimodal one, which needs no iterations, and the one that lacks a modality
    """
    fixed = dict.fromkeys(tested, main)
    found = [Line("fixed", query, fixed, method, query == queries[1]) for query in queries]
    if len(trained) > 1:
        matched = {n: n for n in trained}
        found += [Line("matched", query, matched, method, query == queries[1]) for query in queries]
        found += [
            Line("trained", queries[1], dict.fromkeys(tested, n), method, True) for n in trained if n != main
        ]
    return found
