# SPDX-License-Identifier: MIT
"""What a scene shows and how prominently: the strengths of concepts, and the labels that follow from them.

A strength lies between 0, not shown, and 1, the subject of the image. The potential labels of MIRFLICKR
(Huiskes and Lew 2008; whatever can be seen) are given wherever the strength is above 0, the regular ones,
`_r1` (what is prominent), where it reaches `PROMINENT`.
"""

import numpy as np

from mvi.data.readers.mirflickr_annotations import POTENTIAL, REGULAR
from mvi.synthetic.kinds import KINDS
from mvi.synthetic.scene import COLOURS, SEASONS, Scene

PROMINENT = 0.5

# What a thing is, and the size from which it is the subject of an image.
SHOWS: dict[str, tuple[tuple[str, ...], float]] = {
    "man": (("male",), 0.8),
    "woman": (("female",), 0.8),
    "man_face": (("male", "portrait"), 0.6),
    "woman_face": (("female", "portrait"), 0.6),
    "baby": (("baby",), 0.6),
    "dog": (("dog",), 0.5),
    "cat": (("cat",), 0.5),
    "cow": (("cow",), 0.3),
    "bird": (("bird",), 0.2),
    "perched": (("bird",), 0.3),
    "insect": (("insect",), 0.2),
    "tree": (("tree",), 0.8),
    "conifer": (("tree",), 0.8),
    "palm": (("tree", "palm"), 0.9),
    "flower": (("flower",), 0.3),
    "building": (("building",), 0.6),
    "house": (("house",), 0.3),
    "bridge": (("bridge",), 0.25),
    "car": (("car",), 0.4),
    "bicycle": (("bicycle",), 0.35),
    "boat": (("boat",), 0.3),
    "plane": (("plane",), 0.25),
    "balloon": (("balloon",), 0.3),
    "plate": (("food",), 0.6),
}
HALF_FIGURE = 1.1  # a standing person so large is cut at the waist
MORE = 0.08  # what each further thing of a kind adds, relatively
GENERAL: dict[str, tuple[str, ...]] = {
    "people": ("male", "female", "baby"),
    "animals": ("dog", "cat", "cow", "bird", "insect"),
    "plant_life": ("tree", "flower", "grass", "forest"),
    "structures": ("building", "house", "bridge", "skyline", "wall"),
    "transport": ("car", "bicycle", "boat", "plane", "balloon"),
    "water": ("sea", "lake", "river"),
}
COLOURED = (
    "flower",
    "car",
    "man_face",
    "woman_face",
    "woman",
    "man",
    "boat",
    "balloon",
    "perched",
    "bicycle",
)
PLAIN = (
    *dict.fromkeys(name for names, _ in SHOWS.values() for name in names),
    "sky",
    "clouds",
    "sunset",
    "night",
    "fog",
    "snow",
    "indoor",
    "concert",
    "group",
    "sea",
    "shore",
    "lake",
    "river",
    "grass",
    "field",
    "rock",
    "street",
    "wall",
    "lights",
    "stripes",
    "mountains",
    "hills",
    "skyline",
    "forest",
    "bw",
    "vintage",
    "vivid",
    "closeup",
)
CONCEPTS = (
    *PLAIN,
    *GENERAL,
    *SEASONS,
    *(f"colour {name}" for name in COLOURS),
    *(f"kind {name}" for name in KINDS),
)
_INDEX = {name: number for number, name in enumerate(CONCEPTS)}


def strengths(scene: Scene) -> dict[str, float]:
    """Return the strength, above 0 and at most 1, of each of `CONCEPTS` that `scene` shows."""
    found: dict[str, float] = {f"kind {scene.kind}": 1.0}
    _add_things(found, scene)
    if scene.horizon:
        _add_outdoors(found, scene)
    elif scene.kind == "forest":
        found |= {"forest": 1.0, "tree": 0.55}
        if scene.ground == "snow":
            found["snow"] = 0.7
    elif scene.kind == "abstract":
        found[scene.ground] = 1.0
    if scene.indoor:
        found["indoor"] = 1.0 if scene.kind == "room" else 0.7
        if scene.kind == "group" and scene.light == "night":
            found |= {"concert": 1.0, "night": 0.35}
    elif scene.light == "night":
        found.setdefault("night", 0.45)  # close-ups and woods
    if scene.kind in ("flower", "food", "bird") or scene.ground == "stripes":
        found["closeup"] = 1.0
    if sum(thing.kind in ("man", "woman") for thing in scene.things) > 2:
        found["group"] = 1.0
    for general, members in GENERAL.items():
        most = max((found[member] for member in members if member in found), default=0.0)
        if most:
            found[general] = most
    if not scene.indoor and (scene.horizon or scene.kind == "forest"):
        found[scene.season] = 0.5 if scene.season in ("spring", "summer") else 1.0
    _add_style(found, scene)
    return found


def _add_things(found: dict[str, float], scene: Scene) -> None:
    for thing in scene.things:
        names, full = SHOWS[thing.kind]
        own = min(1.0, thing.size / full)
        if thing.kind == "baby" or (thing.kind in ("man", "woman") and thing.size > HALF_FIGURE):
            names = (*names, "portrait")
        for name in names:
            found[name] = min(1.0, max(own, found[name] * (1 + MORE)) if name in found else own)
        if thing.kind in COLOURED and own > 0.3:
            colour = f"colour {thing.colour}"
            found[colour] = max(found.get(colour, 0.0), own)


def _add_outdoors(found: dict[str, float], scene: Scene) -> None:
    found["sky"] = min(1.0, 1.3 * scene.horizon)
    if scene.weather in ("cloudy", "overcast") and scene.light != "night":
        found["clouds"] = (scene.cover if scene.weather == "cloudy" else 0.4) * min(1.0, 1.6 * scene.horizon)
    if scene.light == "sunset":
        found["sunset"] = min(1.0, 2 * scene.horizon)
    if scene.light == "night":
        found["night"] = 1.0 if scene.kind in ("street", "skyline", "sky") else 0.45
    if scene.weather == "fog":
        found["fog"] = 1.0
    if scene.far == "trees":
        found["tree"] = max(found.get("tree", 0.0), 0.3)
    elif scene.far != "none":
        found[scene.far] = 0.8
    below = 1.0 - scene.horizon
    if below < 0.05:
        return
    if scene.ground in ("sea", "shore"):
        found["sea"] = below if scene.ground == "sea" else 0.75 * below
    if scene.ground == "lake":
        found["lake"] = below
    if scene.ground == "river":
        found |= {"river": 0.8 * below, "grass": 0.4}
    if scene.ground in ("shore", "grass", "field", "rock", "street", "snow"):
        found[scene.ground] = min(1.0, 1.5 * below)


def _add_style(found: dict[str, float], scene: Scene) -> None:
    if scene.light == "day" and scene.weather in ("clear", "cloudy") and scene.horizon > 0.3:
        found["colour blue"] = max(found.get("colour blue", 0.0), 0.6)
    if "forest" in found or found.get("grass", 0.0) > 0.5:
        green = "colour orange" if scene.season == "autumn" else "colour green"
        found[green] = max(found.get(green, 0.0), 0.6)
    if "sunset" in found:
        found["colour orange"] = max(found.get("colour orange", 0.0), 0.6)
    if scene.style != "plain":
        found[scene.style] = 1.0
    if scene.style in ("bw", "vintage"):  # no colour is left to see
        for colour in COLOURS:
            found.pop(f"colour {colour}", None)


def summary(scene: Scene) -> np.ndarray:
    """Return the strengths of all `CONCEPTS`, (concepts,) float64."""
    row = np.zeros(len(CONCEPTS))
    for name, strength in strengths(scene).items():
        row[_INDEX[name]] = strength
    return row


def labels(summaries: np.ndarray) -> np.ndarray:
    """Return the labels (n, 38) uint8 that go with summaries (n, concepts), in MIRFLICKR's order."""
    potential = summaries[:, [_INDEX[name] for name in POTENTIAL]] > 0
    regular = summaries[:, [_INDEX[name.removesuffix("_r1")] for name in REGULAR]] >= PROMINENT
    return np.concatenate([potential, regular], axis=1).astype(np.uint8)
