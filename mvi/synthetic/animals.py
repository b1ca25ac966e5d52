# SPDX-License-Identifier: MIT
"""Animals, far and near; each function paints one with its foot at (x, y), `size` high."""

import math

from mvi.synthetic.canvas import Canvas
from mvi.synthetic.scene import Scene, Thing

FUR = {
    "orange": (0.08, 0.65, 0.75),
    "brown": (0.07, 0.5, 0.42),
    "black": (0.6, 0.12, 0.16),
    "white": (0.1, 0.06, 0.9),
}


def dog(c: Canvas, thing: Thing, scene: Scene) -> None:
    """A dog: standing in profile when small, sitting and facing when large."""
    x, y, size = thing.x, thing.y, thing.size
    h, s, v = FUR.get(thing.colour, FUR["brown"])
    v *= c.u(0.85, 1.15)
    fur, dark, light = c.colour(h, s, v), c.colour(h, s, 0.65 * v), c.colour(h, 0.6 * s, min(1, 1.4 * v))
    black, side = c.colour(0.6, 0.2, 0.08), c.pick((-1, 1))
    if size < 0.38:
        for place in (-0.45, -0.32, 0.28, 0.42):
            c.line([(x + place * size, y - 0.4 * size), (x + place * size * 1.05, y)], 0.09 * size, dark)
        c.ellipse(x, y - 0.48 * size, 0.52 * size, 0.2 * size, fur)
        c.line(
            [(x - side * 0.48 * size, y - 0.55 * size), (x - side * 0.72 * size, y - 0.85 * size)],
            0.07 * size,
            fur,
        )
        hx, hy = x + side * 0.58 * size, y - 0.78 * size
        c.polygon(
            [(x + side * 0.3 * size, y - 0.6 * size), (hx, hy + 0.15 * size), (hx - side * 0.15 * size, hy)],
            fur,
        )
        c.ellipse(hx, hy, 0.19 * size, 0.17 * size, fur)
        c.ellipse(hx + side * 0.2 * size, hy + 0.06 * size, 0.15 * size, 0.085 * size, light)
        c.ellipse(hx + side * 0.33 * size, hy + 0.03 * size, 0.04 * size, 0.04 * size, black)
        c.ellipse(hx - side * 0.1 * size, hy + 0.06 * size, 0.075 * size, 0.16 * size, dark)
        c.ellipse(hx + side * 0.06 * size, hy - 0.04 * size, 0.025 * size, 0.025 * size, black)
        return
    c.ellipse(x, y - 0.25 * size, 0.3 * size, 0.33 * size, fur)
    c.ellipse(x, y - 0.3 * size, 0.16 * size, 0.22 * size, light)
    for leg in (-1, 1):
        c.line([(x + leg * 0.12 * size, y - 0.3 * size), (x + leg * 0.14 * size, y)], 0.11 * size, fur)
        c.ellipse(x + leg * 0.15 * size, y - 0.01 * size, 0.09 * size, 0.045 * size, light)
    hx, hy = x + side * c.u(0, 0.08) * size, y - 0.7 * size
    c.ellipse(hx, hy, 0.25 * size, 0.25 * size, fur)
    for ear in (-1, 1):
        c.polygon(
            [
                (hx + ear * 0.12 * size, hy - 0.24 * size),
                (hx + ear * 0.3 * size, hy - 0.17 * size),
                (hx + ear * 0.34 * size, hy + 0.14 * size),
                (hx + ear * 0.2 * size, hy + 0.1 * size),
            ],
            dark,
        )
        c.ellipse(hx + ear * 0.1 * size, hy - 0.04 * size, 0.035 * size, 0.04 * size, black)
        c.ellipse(hx + ear * 0.09 * size, hy - 0.055 * size, 0.012 * size, 0.012 * size, c.colour(0, 0, 1))
    c.ellipse(hx, hy + 0.12 * size, 0.15 * size, 0.13 * size, light)
    c.ellipse(hx, hy + 0.06 * size, 0.06 * size, 0.045 * size, black)
    if c.u() < 0.5:
        c.chord(hx, hy + 0.17 * size, 0.06 * size, 0.13 * size, 0, 180, c.colour(0.97, 0.55, 0.9))
    c.line([(hx, hy + 0.1 * size), (hx, hy + 0.17 * size)], 0.012 * size, black)


def cat(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    h, s, v = FUR.get(thing.colour, (0.6, 0.05, 0.5))
    v *= c.u(0.85, 1.15)
    fur, dark, black = c.colour(h, s, v), c.colour(h, s, 0.6 * v), c.colour(0.6, 0.2, 0.08)
    c.line(
        [
            (x + 0.2 * size, y - 0.06 * size),
            (x + 0.42 * size, y - 0.15 * size),
            (x + 0.46 * size, y - 0.42 * size),
        ],
        0.08 * size,
        fur,
    )
    c.ellipse(x, y - 0.26 * size, 0.25 * size, 0.3 * size, fur)
    hx, hy = x + c.u(-0.08, 0.08) * size, y - 0.68 * size
    for ear in (-1, 1):
        c.polygon(
            [
                (hx + ear * 0.25 * size, hy - 0.04 * size),
                (hx + ear * 0.24 * size, hy - 0.34 * size),
                (hx + ear * 0.04 * size, hy - 0.19 * size),
            ],
            fur,
        )
        c.polygon(
            [
                (hx + ear * 0.21 * size, hy - 0.12 * size),
                (hx + ear * 0.21 * size, hy - 0.27 * size),
                (hx + ear * 0.1 * size, hy - 0.19 * size),
            ],
            c.colour(0.98, 0.35, 0.8),
        )
        c.ellipse(x + ear * 0.1 * size, y - 0.02 * size, 0.08 * size, 0.05 * size, fur)
    c.ellipse(hx, hy, 0.27 * size, 0.23 * size, fur)
    if c.u() < 0.6:  # a tabby
        for stripe in (-0.09, 0.0, 0.09):
            c.line(
                [(hx + stripe * size, hy - 0.21 * size), (hx + 0.7 * stripe * size, hy - 0.1 * size)],
                0.025 * size,
                dark,
            )
            for side in (-1, 1):
                c.line(
                    [
                        (x + side * 0.24 * size, y - (0.25 + stripe) * size),
                        (x + side * 0.1 * size, y - (0.22 + stripe) * size),
                    ],
                    0.025 * size,
                    dark,
                )
    eye = c.colour(c.pick((0.3, 0.16, 0.55)), 0.6, 0.85)
    for side in (-1, 1):
        ex, ey = hx + side * 0.11 * size, hy - 0.02 * size
        c.ellipse(ex, ey, 0.06 * size, 0.05 * size, eye)
        c.ellipse(ex, ey, 0.017 * size, 0.048 * size, black)
        for lift in (-0.05, 0.0, 0.05):
            c.line(
                [
                    (hx + side * 0.08 * size, hy + 0.1 * size),
                    (hx + side * 0.36 * size, hy + (0.09 + lift) * size),
                ],
                0.008 * size,
                c.colour(0.1, 0.03, 0.95),
            )
    c.polygon(
        [
            (hx - 0.035 * size, hy + 0.05 * size),
            (hx + 0.035 * size, hy + 0.05 * size),
            (hx, hy + 0.09 * size),
        ],
        c.colour(0.98, 0.4, 0.75),
    )


def cow(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size, side = thing.x, thing.y, thing.size, c.pick((-1, 1))
    white, patch = c.colour(0.1, 0.05, 0.92), c.named(c.pick(("black", "brown")))
    body = white if c.u() < 0.6 else patch
    for place in (-0.5, -0.36, 0.32, 0.46):
        c.line([(x + place * size, y - 0.45 * size), (x + place * size, y)], 0.1 * size, body)
    c.rectangle(x - 0.6 * size, y - 0.92 * size, x + 0.55 * size, y - 0.38 * size, body)
    for _ in range(4):
        c.ellipse(
            x + c.u(-0.45, 0.4) * size,
            y - c.u(0.5, 0.82) * size,
            c.u(0.08, 0.17) * size,
            c.u(0.06, 0.12) * size,
            patch,
        )
    hx, hy = x + side * 0.78 * size, y - c.u(0.6, 0.95) * size
    c.ellipse(hx, hy, 0.2 * size, 0.17 * size, body)
    c.ellipse(hx + side * 0.13 * size, hy + 0.05 * size, 0.11 * size, 0.1 * size, c.colour(0.98, 0.25, 0.8))


def bird(c: Canvas, thing: Thing, scene: Scene) -> None:
    """A bird in flight, seen against the sky."""
    x, y, size = thing.x, thing.y, thing.size
    fill = c.colour(0.6, 0.1, c.u(0.1, 0.35)) if c.u() < 0.7 else c.colour(0.6, 0.03, 0.95)
    lift, tilt = c.u(0.2, 0.75) * size, c.u(-0.2, 0.2) * size
    for side in (-1, 1):
        tip, elbow = (
            (x + side * size, y - lift + side * tilt),
            (x + side * 0.5 * size, y - lift * c.u(0.7, 1.1)),
        )
        c.polygon(
            [(x, y - 0.1 * size), elbow, tip, (x + side * 0.4 * size, y - 0.3 * lift), (x, y + 0.12 * size)],
            fill,
        )
    c.ellipse(x, y, 0.14 * size, 0.2 * size, fill)


def perched(c: Canvas, thing: Thing, scene: Scene) -> None:
    """A bird that sits on a branch."""
    size, side = thing.size, c.pick((-1, 1))
    x, y = thing.x, thing.y
    c.line(
        [(x - 0.6, y + c.u(-0.08, 0.08)), (x, y), (x + 0.6, y + c.u(-0.08, 0.08))],
        0.05 * size + 0.01,
        c.colour(0.07, 0.45, 0.3),
    )
    main, breast = c.named(thing.colour), c.named(c.pick(("white", "yellow", "red", "brown", "orange")))
    dark = c.colour(0.6, 0.2, 0.12)

    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + side * dx * size, y - dy * size

    c.polygon([at(-0.25, 0.35), at(-0.85, 0.02), at(-0.75, -0.1), at(-0.15, 0.15)], dark)
    for leg in (-0.03, 0.1):
        c.line([at(leg, 0.15), at(leg, 0.0)], 0.03 * size, c.colour(0.08, 0.7, 0.6))
    c.ellipse(*at(0.02, 0.38), 0.33 * size, 0.27 * size, main)
    c.ellipse(*at(0.13, 0.33), 0.2 * size, 0.2 * size, breast)
    c.polygon([at(0.1, 0.5), at(-0.05, 0.28), at(-0.6, 0.12), at(-0.3, 0.5)], dark if c.u() < 0.5 else main)
    c.ellipse(*at(0.26, 0.72), 0.2 * size, 0.19 * size, main)
    c.polygon([at(0.42, 0.79), at(0.42, 0.66), at(0.66, 0.7)], c.colour(0.1, 0.8, c.u(0.3, 0.9)))
    c.ellipse(*at(0.31, 0.76), 0.035 * size, 0.035 * size, dark)
    c.ellipse(*at(0.32, 0.77), 0.012 * size, 0.012 * size, c.colour(0, 0, 1))


def insect(c: Canvas, thing: Thing, scene: Scene) -> None:
    """A butterfly or a bee on a flower."""
    x, y, size = thing.x, thing.y - thing.size, thing.size
    wing, black = c.named(c.pick(("orange", "blue", "yellow", "white"))), c.colour(0.1, 0.2, 0.1)
    angle = c.u(-0.5, 0.5)
    for side in (-1, 1):
        for reach, turn in ((0.5, -0.5), (0.36, 0.6)):
            a = angle + side * (math.pi / 2 + turn)
            c.ellipse(
                x + reach * size * math.sin(a), y - reach * size * math.cos(a), 0.3 * size, 0.26 * size, black
            )
            c.ellipse(
                x + reach * size * math.sin(a), y - reach * size * math.cos(a), 0.24 * size, 0.2 * size, wing
            )
    c.line(
        [
            (x - 0.4 * size * math.sin(angle), y + 0.4 * size * math.cos(angle)),
            (x + 0.4 * size * math.sin(angle), y - 0.4 * size * math.cos(angle)),
        ],
        0.12 * size,
        black,
    )
