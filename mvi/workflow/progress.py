# SPDX-License-Identifier: MIT
"""How far a run of the workflow is, and how long it takes yet."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mvi.workflow.plan import Run

_FROM = 0.05
"""Of so small a share of the work no time is told."""


def costs(runs: Iterable[Run]) -> dict[str, float]:
    """About how many seconds of one core the long jobs of each rule take, by the sizes of the runs."""
    found: dict[str, list[float]] = {}
    for run in runs:
        rows, settings = run.source.size.rows, run.settings
        layers = [layer for pathway in settings["pathways"].values() for layer in pathway["layers"]]
        block = min(rows, settings["features"]["block"]) if run.dataset.has_images else 0

        def add(rule: str, factor: float, stages: Iterable[Mapping[str, Any]], rows: int = rows) -> None:
            for stage in stages:
                # A method's own schedule may have no epochs: a closed form.
                found.setdefault(rule, []).append(3 + factor * rows * stage.get("epochs", 0))

        add("pretrain_layer", 0.0002, (layer["training"] for layer in layers))
        add("train_joint", 0.0005, map(run.schedule, run.compared))
        tried = (one["schedule"] for method in run.searched for one in run.choices(method))
        add("try_candidate", 0.0005, tried)
        add("finetune", 0.001, (stage["training"] for stage in run.stages.values()))
        if block:
            found.setdefault("describe_block", []).append(3 + 0.03 * block)
    return {rule: statistics.fmean(seconds) for rule, seconds in found.items()}


class Progress:
    """Counts jobs; the time left is estimated by the time that others of their rules took, else by `costs`.

    costs: seconds of a job of each rule, 1 for others; only their ratios count
    clock: seconds since whenever
    """

    def __init__(self, costs: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.costs, self.clock, self.begin = costs, clock, clock()
        self.left: dict[str, int] = {}
        self.total = self.done = 0
        self.running: dict[int, tuple[str, float]] = {}
        self.taken: dict[str, list[float]] = {}

    def plan(self, counts: Mapping[str, int]) -> None:
        """Take note of how many jobs of each rule are to be run; "total" is all of them."""
        self.left = {rule: count for rule, count in counts.items() if rule != "total"}
        self.total = sum(self.left.values())

    def start(self, job: int, rule: str) -> None:
        """A job begins."""
        self.running[job] = rule, self.clock()

    def finish(self, job: int) -> None:
        """A job is done."""
        rule, begin = self.running.pop(job, ("", 0.0))
        self.done += 1
        if rule:
            self.left[rule] = max(0, self.left.get(rule, 0) - 1)
            self.taken.setdefault(rule, []).append(self.clock() - begin)

    def __str__(self) -> str:
        done = sum(sum(seconds) for seconds in self.taken.values())
        guessed = sum(self._cost(rule) * len(seconds) for rule, seconds in self.taken.items())
        pace = done / guessed if guessed else 1.0
        left = sum(
            count * (statistics.fmean(self.taken[rule]) if rule in self.taken else pace * self._cost(rule))
            for rule, count in self.left.items()
        )
        text = f"{self.done} of {self.total}"
        if done > _FROM * (done + left):
            text += f", {_about((self.clock() - self.begin) * left / done)} left"
        return text

    def _cost(self, rule: str) -> float:
        return self.costs.get(rule, 1.0)


def _about(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes >= 90:
        return f"about {round(minutes / 60)} hours"
    return f"about {minutes} minute{'s' * (minutes > 1)}" if minutes else "less than a minute"
