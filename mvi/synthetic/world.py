# SPDX-License-Identifier: MIT
"""Row after row of the generated world: scenes, what they show, labels and tags.

Everything about row i comes from generators of the seed, i and a purpose, so that a row does not depend on
how many there are, nor its scene on how it is drawn.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mvi.errors import ConfigError
from mvi.synthetic import concepts
from mvi.synthetic.scene import Scene, draw_scene
from mvi.synthetic.tags import Tagger

SCENE, TAGS, IMAGE, FEATURES = range(4)


def stream(seed: int, row: int, purpose: int) -> np.random.Generator:
    """Return the generator of one purpose of one row."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(row, purpose)))


@dataclass(frozen=True)
class World:
    """n rows: scenes, strengths of concepts `summaries` (n, concepts), `labels` (n, 38) uint8, tags of
    each.
    """

    scenes: list[Scene]
    summaries: np.ndarray
    labels: np.ndarray
    tags: list[list[str]]
    tagger: Tagger

    def kinds(self) -> list[str]:
        """Return the kind of each scene."""
        return [scene.kind for scene in self.scenes]

    def counted_tags(self) -> list[tuple[str, int]]:
        """Return the tags that occur with their counts, most frequent first, ties in alphabetical order."""
        counts = Counter(tag for row in self.tags for tag in row)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def make_world(labelled: int, unlabelled: int, seed: int) -> World:
    """Return the world of `labelled` + `unlabelled` rows; raises `ConfigError` for numbers that make none."""
    if labelled < 1 or unlabelled < 0 or seed < 0:
        raise ConfigError(
            "The generated world needs at least 1 labelled image, no negative number of unlabelled ones "
            f"and a seed of at least 0, not {labelled}, {unlabelled} and {seed}."
        )
    rows, tagger = range(labelled + unlabelled), Tagger()
    scenes = [draw_scene(stream(seed, row, SCENE)) for row in rows]
    summaries = np.stack([concepts.summary(scene) for scene in scenes])
    tags = [
        tagger.draw(scene.kind, summary, stream(seed, row, TAGS))
        for row, scene, summary in zip(rows, scenes, summaries, strict=True)
    ]
    return World(scenes, summaries, concepts.labels(summaries), tags, tagger)
