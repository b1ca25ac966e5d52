# SPDX-License-Identifier: MIT
"""People, far and near; each function paints one with its foot at (x, y), `size` high."""

from mvi.synthetic.canvas import Canvas, Colour
from mvi.synthetic.scene import Scene, Thing

HAIR = (
    (0.08, 0.5, 0.2),
    (0.07, 0.6, 0.35),
    (0.12, 0.55, 0.75),
    (0.04, 0.7, 0.45),
    (0.6, 0.1, 0.12),
    (0.1, 0.05, 0.7),
)


def _skin(c: Canvas) -> tuple[Colour, Colour]:
    h, s, v = c.u(0.04, 0.075), c.u(0.25, 0.55), c.u(0.5, 0.98)
    return c.colour(h, s, v), c.colour(h, min(1, s * 1.15), 0.82 * v)


def standing(c: Canvas, thing: Thing, scene: Scene) -> None:
    """A whole person, a man or a woman."""
    x, y, size = thing.x, thing.y, thing.size
    woman = thing.kind == "woman"
    skin, shade = _skin(c)
    cloth, trousers = c.named(thing.colour), c.named(c.pick(("blue", "black", "brown", "white")))
    hair, step = c.colour(*c.pick(HAIR)), c.u(0.02, 0.07) * size
    broad = (0.105 if woman else 0.135) * size
    skirt = woman and c.u() < 0.6
    legs = shade if skirt else trousers
    for side in (-1, 1):
        c.line(
            [(x + side * 0.04 * size, y - 0.48 * size), (x + side * step, y)],
            (0.05 if skirt else 0.075) * size,
            legs,
        )
    if woman and c.u() < 0.8:  # long hair behind
        c.polygon(
            [
                (x - 0.07 * size, y - 0.93 * size),
                (x + 0.07 * size, y - 0.93 * size),
                (x + 0.085 * size, y - 0.72 * size),
                (x - 0.085 * size, y - 0.72 * size),
            ],
            hair,
        )
    swing = c.u(-0.08, 0.1) * size
    for side in (-1, 1):
        c.line(
            [
                (x + side * broad, y - 0.78 * size),
                (x + side * (broad + 0.03 * size) + swing, y - 0.48 * size),
            ],
            0.045 * size,
            skin if c.u() < 0.4 else cloth,
        )
    c.polygon(
        [
            (x - broad, y - 0.82 * size),
            (x + broad, y - 0.82 * size),
            (x + 0.08 * size, y - 0.46 * size),
            (x - 0.08 * size, y - 0.46 * size),
        ],
        cloth,
    )
    if skirt:
        c.polygon(
            [
                (x - 0.065 * size, y - 0.58 * size),
                (x + 0.065 * size, y - 0.58 * size),
                (x + 0.16 * size, y - 0.27 * size),
                (x - 0.16 * size, y - 0.27 * size),
            ],
            cloth,
        )
    c.ellipse(x, y - 0.9 * size, 0.064 * size, 0.078 * size, skin)
    c.chord(x, y - 0.915 * size, 0.07 * size, 0.078 * size, 175, 365, hair)
    if size > 0.4:
        for side in (-1, 1):
            c.ellipse(
                x + side * 0.024 * size, y - 0.9 * size, 0.009 * size, 0.008 * size, c.colour(0.05, 0.5, 0.12)
            )
        c.arc(
            x, y - 0.875 * size, 0.025 * size, 0.018 * size, 20, 160, 0.008 * size, c.colour(0.98, 0.6, 0.55)
        )


def face(c: Canvas, thing: Thing, scene: Scene) -> None:
    """Head and shoulders of a man or a woman."""
    woman = thing.kind == "woman_face"
    size = thing.size
    x, y = thing.x, thing.y - 0.55 * size
    rx, ry = c.u(0.21, 0.25) * size, c.u(0.29, 0.33) * size
    skin, shade = _skin(c)
    hair, cloth = c.colour(*c.pick(HAIR)), c.named(thing.colour)
    turn = c.u(-0.25, 0.25) * rx
    if woman and c.u() < 0.85:
        fall = c.u(0.1, 0.55) * size
        c.ellipse(x, y - 0.12 * ry, 1.4 * rx, 1.25 * ry, hair)
        c.polygon(
            [
                (x - 1.38 * rx, y),
                (x + 1.38 * rx, y),
                (x + 1.5 * rx, y + ry + fall),
                (x - 1.5 * rx, y + ry + fall),
            ],
            hair,
        )
    low = y + 1.25 * ry
    broad = (1.75 if woman else 2.3) * rx
    c.polygon(
        [
            (x - 0.45 * rx, y + 0.5 * ry),
            (x + 0.45 * rx, y + 0.5 * ry),
            (x + 0.6 * rx, low + 0.2 * ry),
            (x - 0.6 * rx, low + 0.2 * ry),
        ],
        shade,
    )
    c.chord(x, low + 0.95 * ry, broad, 0.9 * ry, 180, 360, cloth)
    c.rectangle(x - broad, low + 0.94 * ry, x + broad, 1.0, cloth)
    c.chord(x, low + 0.12 * ry, 0.62 * rx, 0.4 * ry, 0, 180, skin if woman else shade)
    c.ellipse(x, y, rx, ry, shade)
    c.ellipse(x + 0.06 * rx + 0.2 * turn, y - 0.02 * ry, 0.94 * rx, 0.96 * ry, skin)
    if not woman and c.u() < 0.4:  # a beard
        c.chord(x + 0.4 * turn, y + 0.25 * ry, 0.93 * rx, 0.78 * ry, 10, 170, hair)
    _features(c, x + turn, y, rx, ry, woman)
    if not woman and c.u() < 0.15:
        return  # bald
    c.chord(x, y - 0.2 * ry, 1.05 * rx, 0.95 * ry, 190, 350, hair)
    if woman:
        c.chord(x + c.pick((-0.3, 0.3)) * rx, y - 0.45 * ry, 0.85 * rx, 0.7 * ry, 170, 370, hair)
    elif c.u() < 0.25:
        hat = c.named(c.pick(("black", "brown", "red", "blue")))
        c.chord(x, y - 0.4 * ry, 1.12 * rx, 0.9 * ry, 180, 360, hat)
        c.rectangle(x - 1.4 * rx, y - 0.47 * ry, x + 1.4 * rx, y - 0.36 * ry, hat)


def _features(c: Canvas, x: float, y: float, rx: float, ry: float, woman: bool) -> None:
    dark, lips = c.colour(0.05, 0.5, 0.15), c.colour(0.98, 0.65 if woman else 0.4, c.u(0.55, 0.8))
    iris = c.colour(c.pick((0.58, 0.08, 0.3, 0.07)), 0.5, c.u(0.25, 0.6))
    glasses = c.u() < 0.18
    for side in (-1, 1):
        ex, ey = x + side * 0.4 * rx, y - 0.08 * ry
        c.ellipse(ex, ey, 0.19 * rx, 0.09 * ry, c.colour(0.1, 0.03, 0.97))
        c.ellipse(ex, ey, 0.085 * rx, 0.085 * ry, iris)
        c.ellipse(ex, ey, 0.04 * rx, 0.04 * ry, dark)
        c.arc(ex, ey + 0.02 * ry, 0.24 * rx, 0.17 * ry, 200, 340, (0.05 if woman else 0.08) * ry, dark)
        if glasses:
            c.arc(ex, ey, 0.33 * rx, 0.2 * ry, 0, 360, 0.05 * rx, dark)
    c.arc(x, y + 0.2 * ry, 0.16 * rx, 0.12 * ry, 20, 160, 0.04 * ry, c.colour(0.04, 0.6, 0.45))
    if c.u() < 0.5:
        c.chord(x, y + 0.42 * ry, 0.42 * rx, 0.2 * ry, 5, 175, lips)
        c.chord(x, y + 0.44 * ry, 0.33 * rx, 0.11 * ry, 5, 175, c.colour(0.1, 0.03, 0.97))
    else:
        c.ellipse(x, y + 0.52 * ry, 0.32 * rx, (0.09 if woman else 0.06) * ry, lips)


def baby(c: Canvas, thing: Thing, scene: Scene) -> None:
    """A baby, wrapped up, its round head large."""
    size = thing.size
    x, y, r = thing.x, thing.y - 0.62 * size, 0.34 * size
    h, s, v = c.u(0.03, 0.06), c.u(0.2, 0.4), c.u(0.75, 1.0)
    skin, wrap = c.colour(h, s, v), c.named(c.pick(("white", "pink", "blue", "yellow")))
    c.ellipse(x, thing.y - 0.05 * size, 0.5 * size, 0.36 * size, wrap)
    c.arc(x, thing.y - 0.05 * size, 0.42 * size, 0.28 * size, 190, 350, 0.02 * size, c.named("white"))
    for side in (-1, 1):
        c.ellipse(x + side * 0.97 * r, y + 0.08 * r, 0.16 * r, 0.2 * r, c.colour(h, s, 0.9 * v))
        c.ellipse(x + side * 0.36 * size, thing.y - 0.16 * size, 0.08 * size, 0.075 * size, skin)
    c.ellipse(x, y, r, 0.96 * r, skin)
    for side in (-1, 1):
        c.ellipse(x + side * 0.52 * r, y + 0.32 * r, 0.2 * r, 0.15 * r, c.colour(0.99, s + 0.12, v))
        if scene.light != "night" and c.u() < 0.85:
            c.ellipse(x + side * 0.36 * r, y + 0.02 * r, 0.13 * r, 0.15 * r, c.colour(0.58, 0.5, 0.2))
            c.ellipse(x + side * 0.33 * r, y - 0.03 * r, 0.04 * r, 0.045 * r, c.colour(0, 0, 1))
        else:
            c.arc(x + side * 0.36 * r, y, 0.15 * r, 0.12 * r, 20, 160, 0.05 * r, c.colour(0.05, 0.5, 0.3))
    c.arc(x, y + 0.2 * r, 0.08 * r, 0.06 * r, 10, 170, 0.04 * r, c.colour(0.03, 0.5, 0.6))
    c.chord(x, y + 0.42 * r, 0.2 * r, 0.16 * r, 0, 180, c.colour(0.98, 0.6, 0.7))
    if c.u() < 0.5:
        c.chord(x, y - 0.12 * r, 1.06 * r, 0.98 * r, 188, 352, wrap)
        c.ellipse(x, y - 1.08 * r, 0.16 * r, 0.16 * r, wrap)
    else:
        c.arc(x, y - 0.72 * r, 0.25 * r, 0.25 * r, 120, 330, 0.05 * r, c.colour(0.08, 0.5, 0.4))
