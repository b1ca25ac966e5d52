# SPDX-License-Identifier: MIT
"""What a run has found, favourable or not: one line a question, worded and counted by its scores."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from mvi.report.scores import LEVEL, Key, Repetition, Scores, split_ratio

EXACT = 1e-9
"""An identity that holds by less than this, in nats, holds: rounding in float64 is far below it."""

_WORDS = {"error": ("error", ".2f", " %"), "map": ("mAP", ".3f", ""), "precision": ("precision", ".3f", "")}


@dataclass(frozen=True)
class Side:
    """One side of a comparison: one method or the best of several.

    On the left it is chosen by validation scores, on the right by the test scores themselves, since to do
    better than less proves less.
    """

    label: str
    """With {} for the name of the best."""
    methods: Sequence[tuple[str, str, str]]
    """Method, variant and name of each."""


@dataclass(frozen=True)
class Question:
    """Whether `left` does better than `right`; those without scores are not asked."""

    topic: str
    left: Side
    right: Side
    metric: str
    query: str
    lowest: bool = False
    """Whether less is better."""
    repeated: str = "split"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From what `dataclasses.asdict` makes of one: jobs are told settings."""
        sides = {name: Side(**settings[name]) for name in ("left", "right")}
        return cls(**{**settings, **sides})


def findings(scores: Scores, questions: Iterable[Question]) -> list[str]:
    """A line for each question that the scores answer, in the order given."""
    return [text for question in questions if (text := _answer(scores, question))]


def _answer(scores: Scores, question: Question) -> str:
    left_name, left = _best(scores, question, question.left, "validation")
    right_name, right = _best(scores, question, question.right, "test")
    # What is computed once, without a seed, is compared with every repetition.
    once = next(iter(right.values())) if len(right) == 1 else None
    others = {one: right.get(one, once) for one in left}
    sign = -1 if question.lowest else 1
    gains = [sign * (left[one] - other) for one, other in others.items() if other is not None]
    if not gains:
        return ""
    mean = statistics.fmean(gains)
    agree = sum(gain * mean > 0 for gain in gains)
    verdict = "better than" if mean > 0 else "worse than" if mean < 0 else "level with"
    methods = [method for method, *_ in question.left.methods]
    p = _p_value(gains, (split_ratio(scores, methods) or 0.0) if question.repeated == "split" else 0.0)
    if mean and p is not None and p >= LEVEL:
        verdict = f"not clearly {verdict}"
    name, form, unit = _word(question.metric)
    numbers = f"{name} {_mean(left):{form}}{unit} and {_mean(right):{form}}{unit}"
    counted = f"one {question.repeated}"
    if p is not None:
        counted = f"{agree} of {len(gains)} {question.repeated}s, p = {p:.2g}"
    sides = f"{question.left.label.format(left_name)} {verdict} {question.right.label.format(right_name)}"
    return f"{question.topic}: {sides}, {numbers} ({counted})."


def _p_value(gains: Sequence[float], ratio: float) -> float | None:
    """That of the mean being 0: of splits corrected for the rows that they share, of seeds as it is."""
    # The plan imports this module, and needs no SciPy.
    from mvi.evaluation.significance import corrected_t_test

    return corrected_t_test(gains, ratio) if len(gains) > 1 else None


def _best(scores: Scores, question: Question, side: Side, part: str) -> tuple[str, dict[Repetition, float]]:
    """Name and test scores of the best of a side by the mean of its scores of `part`; none where none are."""
    sign = 1 if question.lowest else -1
    found: list[tuple[float, str, dict[Repetition, float]]] = []
    for method, variant, name in side.methods:
        test = Key(method, question.metric, question.query, "test", variant)
        if scores.known(test):
            chosen_by = scores.of(test._replace(part=part)) if len(side.methods) > 1 else scores.of(test)
            found.append((sign * _mean(chosen_by), name, scores.of(test)))
    return min(found, key=lambda one: one[0], default=(0.0, "", {}))[1:]


def _mean(values: Mapping[Repetition, float]) -> float:
    return statistics.fmean(values.values())


def _word(metric: str) -> tuple[str, str, str]:
    for name, words in _WORDS.items():
        if f"_{name}_" in f"_{metric}_":
            at = metric.rpartition("_at_")[2] if "_at_" in metric else ""
            return (f"{words[0]}@{at}" if at else words[0], *words[1:])
    return (metric.replace("_", " "), ".3f", "")


def theory_findings(
    identity: Mapping[str, float],
    consistency: Mapping[str, float],
    training: Mapping[str, float],
    labels: Mapping[str, str],
) -> list[str]:
    """The same of the numbers that `mvi.report.theory_table.summary` lays out."""
    apart = identity["largest_residual"]
    holds = "holds" if apart <= EXACT else "does not hold"
    slopes = {
        key: (numbers, consistency[f"{key}_error"])
        for key, numbers in consistency.items()
        if key.endswith("/slope")
    }
    found = [f"Eq. 4 {holds}: its sides differ by {apart:.1e} nats at most."]
    if slopes:
        rates = [slope for slope, _ in slopes.values()]
        falls = all(slope + 2 * error < 0 for slope, error in slopes.values())
        found.append(
            f"Theorem 2.1 {'is seen' if falls else 'is not seen'}: the error "
            f"{'falls' if falls else 'does not always fall'} with n, log-log slopes {min(rates):.2f} to "
            f"{max(rates):.2f}."
        )
    ends = {
        name: training[f"{name}/mean_field/last"]
        for name in labels
        if f"{name}/mean_field/last" in training and not name.startswith("exact")
    }
    if len(ends) > 1:
        first, *others = sorted(ends, key=lambda name: ends[name])
        rest = ", ".join(f"{labels[name]} {ends[name]:.2f}" for name in others)
        found.append(
            f"Lowest loss of the mean field's predictions: {labels[first]} {ends[first]:.2f} nats ({rest})."
        )
    return found


def leading(found: Mapping[str, Sequence[str]], count: int) -> list[tuple[str, str]]:
    """The first `count` (run, finding), of all runs in turn, in the order of the runs."""
    chosen: dict[str, list[str]] = {name: [] for name in found}
    places = [
        (name, lines[place])
        for place in range(max(map(len, found.values()), default=0))
        for name, lines in found.items()
        if place < len(lines)
    ]
    for name, line in places[:count]:
        chosen[name].append(line)
    return [(name, line) for name, lines in chosen.items() for line in lines]
