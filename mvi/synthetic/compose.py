# SPDX-License-Identifier: MIT
"""From a scene to an image: surroundings, things from back to front, then what a camera adds."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from mvi.errors import ConfigError
from mvi.synthetic import animals, built, interior, landscape, nature, people
from mvi.synthetic.canvas import Canvas
from mvi.synthetic.scene import Scene, Thing

SMALLEST = 16  # pixels a side: below that nothing can be told apart
PAINTERS: dict[str, Callable[[Canvas, Thing, Scene], None]] = {
    "man": people.standing,
    "woman": people.standing,
    "man_face": people.face,
    "woman_face": people.face,
    "baby": people.baby,
    "dog": animals.dog,
    "cat": animals.cat,
    "cow": animals.cow,
    "bird": animals.bird,
    "perched": animals.perched,
    "insect": animals.insect,
    "tree": nature.tree,
    "conifer": nature.conifer,
    "palm": nature.palm,
    "flower": nature.flower,
    "building": built.building,
    "house": built.house,
    "bridge": built.bridge,
    "car": built.car,
    "bicycle": built.bicycle,
    "boat": built.boat,
    "plane": built.plane,
    "balloon": built.balloon,
    "plate": interior.plate,
}
# Red, green and blue of the light on things.
TINTS = {"day": (1.0, 1.0, 0.98), "sunset": (0.6, 0.42, 0.4), "night": (0.42, 0.43, 0.6)}
LAMPLIGHT = {"day": (1.0, 0.97, 0.92), "night": (0.9, 0.73, 0.55)}
DULL = (0.82, 0.85, 0.9)  # under clouds
BLUR = 0.03  # of backgrounds out of focus, as a share of the side


def paint(scene: Scene, size: int, generator: np.random.Generator) -> Image.Image:
    """Draw `scene` as an RGB image of `size` x `size` pixels; `generator` decides all that it leaves open.

    Raises `ConfigError` for a size below `SMALLEST`.
    """
    if size < SMALLEST:
        raise ConfigError(f"An image needs at least {SMALLEST} pixels a side, not {size}; raise the size.")
    canvas = Canvas(size, _light(scene, generator), generator)
    _surroundings(canvas, scene)
    for thing in scene.things:
        PAINTERS[thing.kind](canvas, thing, scene)
    return _photograph(canvas, scene)


def _light(scene: Scene, generator: np.random.Generator) -> np.ndarray:
    tint = np.array(LAMPLIGHT[scene.light] if scene.indoor else TINTS[scene.light])
    if not scene.indoor and scene.light == "day" and scene.weather in ("overcast", "fog"):
        tint = tint * DULL
    return tint * generator.uniform(0.85, 1.1) * generator.uniform(0.96, 1.04, 3)


def _surroundings(c: Canvas, scene: Scene) -> None:
    if scene.kind == "forest":
        interior.forest(c, scene)
    elif scene.kind == "abstract":
        {"wall": interior.bricks, "lights": interior.lights, "stripes": interior.stripes}[scene.ground](c)
    elif scene.kind == "food":
        interior.table(c)
    elif scene.kind == "room":
        interior.room(c, scene)
    elif scene.horizon > 0:
        _outdoors(c, scene)
    elif scene.indoor:
        _indoors(c, scene)
    else:
        interior.leaves(c, scene, BLUR)


def _outdoors(c: Canvas, scene: Scene) -> None:
    above = landscape.sky(c, scene)
    landscape.far(c, scene)
    landscape.ground(c, scene, above)
    if scene.weather == "fog":
        c.glow(0.5, scene.horizon, 0.8, c.colour(0.58, 0.03, 0.9), 0.75)
    if scene.kind in ("dog", "group", "car"):
        c.soften(0.4 * BLUR)


def _indoors(c: Canvas, scene: Scene) -> None:
    if scene.kind == "group" and scene.light == "night":
        interior.stage(c)
    elif scene.kind in ("group", "dog", "cat", "baby"):
        interior.room(c, scene)
        c.soften(0.5 * BLUR)
    else:
        interior.wall(c, scene)


def _photograph(c: Canvas, scene: Scene) -> Image.Image:
    """Return what a camera makes of the canvas: blur, exposure, vignette, noise and the photographer's
    style.
    """
    image = c.finished()
    if c.u() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(c.u(0.2, 0.008 * c.size)))
    generator, side = c.generator, c.size
    pixels = np.asarray(image, np.float32)
    contrast, brightness = c.u(0.85, 1.15), c.u(-12, 12)
    pixels = (pixels - 128) * contrast + 128 + brightness
    if scene.style in ("bw", "vintage"):
        grey = pixels @ np.array((0.299, 0.587, 0.114), np.float32)
        if scene.style == "bw":
            pixels = np.repeat(((grey - 128) * 1.15 + 128)[..., None], 3, 2)
        else:
            toned = grey[..., None] * np.array((1.05, 0.9, 0.68), np.float32) + np.array(
                (22, 14, 8), np.float32
            )
            pixels = 0.7 * toned + 0.3 * pixels
    elif scene.style == "vivid":
        mean = pixels.mean(2, keepdims=True)
        pixels = mean + 1.5 * (pixels - mean)
    if scene.style == "vintage" or c.u() < 0.25:
        line = np.linspace(-1, 1, side, dtype=np.float32) ** 2
        pixels *= (1 - c.u(0.15, 0.35) * (line[:, None] + line))[..., None]
    grain = c.u(1.5, 4.5) * (1.5 if scene.light == "night" else 1)
    pixels += grain * generator.standard_normal((side, side, 1), np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
