# SPDX-License-Identifier: MIT
"""The kinds of scenes: how often each comes, in what light and surroundings, and with what things in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LIGHTS = ("day", "sunset", "night")


@dataclass(frozen=True)
class Extra:
    """Up to `most` things of a kind that come together with `probability`, `small` to `large` in size.

    `where` is "ground" (the larger, the nearer), "sky", "horizon", "front" (its top in the image, its foot
    perhaps not) or "centre" (the subject of the image).
    """

    kind: str
    probability: float
    most: int
    small: float
    large: float
    where: str = "ground"


@dataclass(frozen=True)
class Kind:
    """The probabilities of one kind of scene; `light` follows `LIGHTS`, `group` decides the likely places."""

    weight: float
    group: str
    light: tuple[float, float, float]
    horizon: tuple[float, float] = (0.0, 0.0)
    indoor: float = 0.0
    far: Mapping[str, float] = field(default_factory=lambda: {"none": 1.0})
    ground: Mapping[str, float] = field(default_factory=lambda: {"grass": 1.0})
    extras: tuple[Extra, ...] = ()


HOMELY = Extra("person", 0.35, 2, 0.5, 0.8, "front")
HILLS = {"none": 0.2, "hills": 0.4, "mountains": 0.2, "trees": 0.2}
KINDS: dict[str, Kind] = {
    "beach": Kind(
        0.075,
        "coast",
        (0.6, 0.34, 0.06),
        (0.3, 0.65),
        far={"none": 0.75, "hills": 0.25},
        ground={"sea": 0.45, "shore": 0.55},
        extras=(
            Extra("person", 0.4, 4, 0.12, 0.5),
            Extra("boat", 0.3, 2, 0.07, 0.35),
            Extra("dog", 0.06, 1, 0.1, 0.25),
            Extra("bird", 0.25, 5, 0.03, 0.14, "sky"),
            Extra("palm", 0.18, 2, 0.5, 0.9),
        ),
    ),
    "lake": Kind(
        0.05,
        "nature",
        (0.7, 0.25, 0.05),
        (0.35, 0.6),
        far={"hills": 0.3, "mountains": 0.4, "trees": 0.3},
        ground={"lake": 1.0},
        extras=(
            Extra("boat", 0.25, 2, 0.07, 0.25),
            Extra("bird", 0.2, 4, 0.03, 0.14, "sky"),
            Extra("tree", 0.35, 2, 0.35, 0.8),
            Extra("person", 0.12, 2, 0.12, 0.35),
            Extra("house", 0.15, 2, 0.08, 0.16, "horizon"),
        ),
    ),
    "river": Kind(
        0.055,
        "nature",
        (0.7, 0.22, 0.08),
        (0.25, 0.55),
        far={**HILLS, "skyline": 0.3},
        ground={"river": 1.0},
        extras=(
            Extra("tree", 0.6, 4, 0.2, 0.7),
            Extra("bridge", 0.3, 1, 0.12, 0.25),
            Extra("boat", 0.15, 1, 0.07, 0.2),
            Extra("house", 0.2, 2, 0.1, 0.2, "horizon"),
            Extra("person", 0.12, 2, 0.1, 0.3),
        ),
    ),
    "mountains": Kind(
        0.04,
        "nature",
        (0.75, 0.2, 0.05),
        (0.45, 0.75),
        far={"mountains": 1.0},
        ground={"grass": 0.6, "rock": 0.4},
        extras=(
            Extra("conifer", 0.5, 6, 0.12, 0.5),
            Extra("person", 0.2, 2, 0.1, 0.4),
            Extra("house", 0.15, 1, 0.08, 0.2, "horizon"),
        ),
    ),
    "countryside": Kind(
        0.06,
        "nature",
        (0.74, 0.2, 0.06),
        (0.3, 0.65),
        far=HILLS,
        ground={"grass": 0.6, "field": 0.4},
        extras=(
            Extra("tree", 0.65, 4, 0.15, 0.7),
            Extra("house", 0.3, 2, 0.1, 0.3, "horizon"),
            Extra("person", 0.18, 2, 0.1, 0.5),
            Extra("cow", 0.2, 3, 0.08, 0.28),
            Extra("dog", 0.06, 1, 0.1, 0.3),
            Extra("flower", 0.2, 12, 0.05, 0.12),
            Extra("car", 0.06, 1, 0.08, 0.25),
            Extra("bird", 0.1, 4, 0.03, 0.1, "sky"),
        ),
    ),
    "forest": Kind(
        0.045,
        "nature",
        (0.95, 0.0, 0.05),
        extras=(
            Extra("person", 0.18, 2, 0.15, 0.45),
            Extra("dog", 0.08, 1, 0.1, 0.3),
        ),
    ),
    "flower": Kind(
        0.06,
        "nature",
        (1.0, 0.0, 0.0),
        indoor=0.08,
        extras=(
            Extra("flower", 1.0, 3, 0.3, 0.75, "centre"),
            Extra("insect", 0.2, 1, 0.08, 0.16, "centre"),
        ),
    ),
    "garden": Kind(
        0.045,
        "nature",
        (0.97, 0.03, 0.0),
        (0.12, 0.4),
        far={"trees": 0.7, "none": 0.3},
        extras=(
            Extra("flower", 0.9, 24, 0.07, 0.2),
            Extra("tree", 0.4, 2, 0.25, 0.6),
            Extra("house", 0.25, 1, 0.2, 0.4, "horizon"),
            Extra("person", 0.2, 2, 0.25, 0.6),
            Extra("cat", 0.06, 1, 0.12, 0.25),
        ),
    ),
    "street": Kind(
        0.105,
        "city",
        (0.62, 0.1, 0.28),
        (0.5, 0.68),
        ground={"street": 1.0},
        extras=(
            Extra("building", 1.0, 6, 0.3, 0.75, "horizon"),
            Extra("car", 0.6, 3, 0.1, 0.3),
            Extra("person", 0.55, 5, 0.15, 0.5),
            Extra("tree", 0.25, 2, 0.3, 0.6),
            Extra("dog", 0.04, 1, 0.1, 0.2),
            Extra("bicycle", 0.12, 1, 0.15, 0.3),
            Extra("bird", 0.05, 3, 0.03, 0.08, "sky"),
        ),
    ),
    "skyline": Kind(
        0.055,
        "city",
        (0.42, 0.2, 0.38),
        (0.5, 0.78),
        far={"skyline": 1.0},
        ground={"river": 0.2, "sea": 0.25, "grass": 0.25, "street": 0.3},
        extras=(Extra("bridge", 0.15, 1, 0.12, 0.25), Extra("boat", 0.1, 2, 0.06, 0.15)),
    ),
    "sky": Kind(
        0.045,
        "any",
        (0.6, 0.32, 0.08),
        (0.82, 1.0),
        far={"none": 0.4, "hills": 0.4, "trees": 0.2},
        extras=(
            Extra("bird", 0.3, 7, 0.04, 0.25, "sky"),
            Extra("plane", 0.2, 1, 0.08, 0.3, "sky"),
            Extra("balloon", 0.12, 2, 0.12, 0.4, "sky"),
        ),
    ),
    "portrait": Kind(
        0.135,
        "home",
        (0.88, 0.04, 0.08),
        indoor=0.55,
        extras=(Extra("face", 1.0, 1, 0.5, 0.95, "centre"), Extra("flower", 0.06, 1, 0.12, 0.2)),
    ),
    "group": Kind(
        0.085,
        "home",
        (0.68, 0.04, 0.28),
        (0.2, 0.45),
        indoor=0.6,
        far={"trees": 0.5, "none": 0.5},
        extras=(
            Extra("person", 1.0, 3, 0.55, 1.3, "front"),
            Extra("person", 0.7, 2, 0.5, 0.9, "front"),
            Extra("dog", 0.08, 1, 0.2, 0.35),
            Extra("baby", 0.06, 1, 0.2, 0.35),
        ),
    ),
    "baby": Kind(
        0.03,
        "home",
        (0.95, 0.0, 0.05),
        indoor=0.8,
        extras=(Extra("baby", 1.0, 1, 0.35, 0.85, "centre"), Extra("person", 0.25, 1, 0.8, 1.3, "front")),
    ),
    "dog": Kind(
        0.035,
        "home",
        (0.95, 0.03, 0.02),
        (0.0, 0.35),
        indoor=0.35,
        extras=(Extra("dog", 1.0, 1, 0.4, 0.85, "centre"), Extra("person", 0.15, 1, 0.6, 1.0, "front")),
    ),
    "cat": Kind(
        0.03, "home", (0.95, 0.0, 0.05), indoor=0.7, extras=(Extra("cat", 1.0, 1, 0.4, 0.85, "centre"),)
    ),
    "bird": Kind(0.03, "nature", (0.9, 0.1, 0.0), extras=(Extra("perched", 1.0, 2, 0.25, 0.6, "centre"),)),
    "room": Kind(
        0.075,
        "home",
        (0.7, 0.0, 0.3),
        indoor=1.0,
        extras=(
            HOMELY,
            Extra("cat", 0.1, 1, 0.12, 0.3),
            Extra("dog", 0.06, 1, 0.15, 0.35),
            Extra("flower", 0.1, 2, 0.1, 0.2),
        ),
    ),
    "food": Kind(
        0.045,
        "home",
        (0.85, 0.0, 0.15),
        indoor=0.9,
        extras=(Extra("plate", 1.0, 1, 0.5, 0.9, "centre"), Extra("flower", 0.05, 1, 0.12, 0.2)),
    ),
    "car": Kind(
        0.035,
        "city",
        (0.75, 0.1, 0.15),
        (0.2, 0.5),
        far={"trees": 0.5, "none": 0.2, "hills": 0.3},
        ground={"street": 0.8, "grass": 0.2},
        extras=(Extra("car", 1.0, 1, 0.4, 0.62, "centre"), Extra("person", 0.15, 1, 0.4, 0.6)),
    ),
    "abstract": Kind(
        0.045, "any", (0.75, 0.0, 0.25), indoor=0.3, ground={"wall": 0.35, "lights": 0.3, "stripes": 0.35}
    ),
}
