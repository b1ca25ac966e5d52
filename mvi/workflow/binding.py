# SPDX-License-Identifier: MIT
"""From questions to functions of wildcards, as Snakemake takes them for the inputs and params of rules."""

from collections.abc import Callable, Iterable
from functools import reduce
from inspect import signature
from math import ceil, inf
from operator import getitem
from re import escape
from typing import Any

Question = Callable[..., Any] | property
Wildcards = Any
"""What Snakemake passes: values by name, as keys and as attributes."""


def bound(
    question: Question, subject: Callable[[Wildcards], Any], ask: Callable[..., Any]
) -> Callable[[Wildcards], Any]:
    """The function of wildcards that asks `question` of the subject that they name.

    `question` is a function or property of the subject; its further arguments are named like wildcards, whose
    values they get. `ask` calls it, so that it may turn errors into others.
    """
    function = question.fget if isinstance(question, property) else question
    assert function is not None
    names = list(signature(function).parameters)[1:]

    def answer(wildcards: Wildcards) -> Any:
        given = [wildcards[name] for name in names]
        return ask(lambda: function(subject(wildcards), *given))

    return answer


def setting(*path: str) -> Callable[[Any], Any]:
    """A question for what `settings` of a run have at a place."""
    return lambda run: reduce(getitem, path, run.settings)


def feature(name: str) -> Callable[[Any], Any]:
    """A question for a setting of the features of a source."""
    return lambda source: source.features[name]


def one_of(names: Iterable[str]) -> str:
    """A pattern for these very names, or for nothing where there are none."""
    return "|".join(map(escape, names)) or "(?!)"


def growing(
    fixed: float,
    share: float = 0,
    size: Callable[[Wildcards], float] | None = None,
    most: float = inf,
) -> Callable[..., int]:
    """What a job asks for: `fixed`, `share` for each unit of the `size` of its data, and all of it again for
    each attempt, since a job that ran out would again; at most `most`.
    """

    def amount(wildcards: Wildcards, attempt: int) -> int:
        wanted = fixed + (share * size(wildcards) if size else 0)
        return ceil(min(wanted * attempt, most))

    return amount
