# SPDX-License-Identifier: MIT
"""What is in an image before it is drawn: the kind of scene, its light, weather and season, and the things.

A scene is drawn from the probabilities below. From it follow, with nothing more drawn, the strengths of the
concepts (`concepts.py`), hence the labels and the probability of each tag (`tags.py`), and, with the
randomness of colours, positions and noise, the image (`compose.py`). Labels and tags therefore depend on
each other and on the image through the scene only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mvi.synthetic.kinds import KINDS, LIGHTS, Kind

WEATHERS = {"clear": 0.4, "cloudy": 0.38, "overcast": 0.16, "fog": 0.06}
SEASONS = {"spring": 0.25, "summer": 0.4, "autumn": 0.2, "winter": 0.15}
STYLES = {"plain": 0.73, "bw": 0.11, "vintage": 0.06, "vivid": 0.1}
SNOW_IN_WINTER = 0.6  # on grass, fields and streets
MARGIN = 0.05  # no thing's middle is nearer to the left and right edges
UNSEEN_HORIZON = 0.62  # where the floor of a room or a wood begins
WATERS, AFLOAT = ("sea", "shore", "lake", "river"), ("boat", "bridge")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "brown")
COLOURFUL = {"flower": COLOURS[:8], "dog": COLOURS[7:], "cat": ("orange", *COLOURS[7:])}


@dataclass(frozen=True)
class Thing:
    """Something in a scene: its foot is at (x, y), `size` is its height; fractions of the image's side."""

    kind: str
    x: float
    y: float
    size: float
    colour: str


@dataclass(frozen=True)
class Scene:
    """All that decides labels and tag probabilities, and most of what decides the image.

    `horizon` is the share of the image above the horizon, 0 where no sky is seen (indoors and close-ups);
    `cover` the share of the sky that clouds hide; `far` stands at the horizon and `ground` lies below it.
    """

    kind: str
    light: str
    weather: str
    season: str
    style: str
    indoor: bool
    horizon: float
    cover: float
    far: str
    ground: str
    things: tuple[Thing, ...]


def choose(weights: Mapping[str, float], generator: np.random.Generator) -> str:
    """Return one key of `weights` with probability in proportion to its value."""
    point = generator.random() * sum(weights.values())
    for key, weight in weights.items():
        point -= weight
        if point < 0:
            return key
    return key


def draw_scene(generator: np.random.Generator) -> Scene:
    """Draw a scene from the probabilities of this module."""
    kind = choose({name: kind.weight for name, kind in KINDS.items()}, generator)
    world = KINDS[kind]
    indoor = bool(generator.random() < world.indoor)
    light = choose(dict(zip(LIGHTS, world.light, strict=True)), generator)
    if indoor and light == "sunset":
        light = "day"
    weather, season = choose(WEATHERS, generator), choose(SEASONS, generator)
    horizon = 0.0 if indoor else generator.uniform(*world.horizon)
    if horizon < 0.1:
        horizon = 0.0
    ground = choose(world.ground, generator)
    if season == "winter" and ground in ("grass", "field", "street") and generator.random() < SNOW_IN_WINTER:
        ground = "snow"
    return Scene(
        kind=kind,
        light=light,
        weather=weather,
        season=season,
        style=choose(STYLES, generator),
        indoor=indoor,
        horizon=horizon,
        cover=generator.uniform(0.25, 1.0),
        far=choose(world.far, generator),
        ground=ground,
        things=tuple(_things(world, horizon, season, ground, generator)),
    )


def _things(
    world: Kind, horizon: float, season: str, ground: str, generator: np.random.Generator
) -> list[Thing]:
    things = []
    for extra in world.extras:
        frozen = extra.kind == "flower" and season == "winter" and horizon > 0
        aground = extra.kind in AFLOAT and ground not in WATERS
        if generator.random() >= extra.probability or frozen or aground:
            continue
        count = int(generator.integers(1, extra.most + 1))
        # A row of subjects shares the width; what stands on the ground stands anywhere.
        left = generator.uniform(0.0, 1.0 / count)
        for number in range(count):
            size = extra.small * (extra.large / extra.small) ** generator.random()
            nearness = (size - extra.small) / (extra.large - extra.small)
            x = generator.uniform(0.05, 0.95)
            if extra.where == "ground":
                floor = horizon or UNSEEN_HORIZON
                y = floor + (1 - floor) * (0.15 + 0.75 * nearness) + generator.uniform(-0.03, 0.05)
            elif extra.where == "horizon":
                x, y = left + number / count, horizon + 0.03
            elif extra.where == "front":
                x, y = (
                    left + (number + generator.uniform(-0.2, 0.2)) / count,
                    generator.uniform(0.03, 0.22) + size,
                )
            elif extra.where == "sky":
                y = generator.uniform(0.15, max(0.25, 0.85 * horizon))
            else:
                x = (0.5 if count == 1 else left + number / count) + generator.uniform(-0.12, 0.12)
                y = generator.uniform(0.42, 0.58) + size / 2
            x = min(max(x, MARGIN), 1 - MARGIN)
            things.append(Thing(_resolve(extra.kind, generator), x, y, size, _colour(extra.kind, generator)))
    return sorted(things, key=lambda thing: thing.y)


def _resolve(kind: str, generator: np.random.Generator) -> str:
    if kind in ("person", "face"):
        return ("man" if generator.random() < 0.5 else "woman") + ("_face" if kind == "face" else "")
    return kind


def _colour(kind: str, generator: np.random.Generator) -> str:
    colours = COLOURFUL.get(kind, COLOURS)
    return colours[int(generator.integers(len(colours)))]
