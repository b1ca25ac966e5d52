# SPDX-License-Identifier: MIT
"""Things that people make: houses, bridges and what they travel by.

Each function paints one thing with its foot at (x, y) and `size` high; what a scene leaves open (proportions,
shades, posture) is drawn anew each time.
"""

from mvi.synthetic.canvas import Canvas
from mvi.synthetic.scene import Scene, Thing


def building(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    half = c.u(0.1, 0.2)
    left, right, top = x - half, x + half, y - size
    h, s, v = c.pick(
        ((0.05, 0.5, 0.55), (0.09, 0.25, 0.75), (0.6, 0.1, 0.6), (0.02, 0.6, 0.5), (0.12, 0.12, 0.85))
    )
    v *= c.u(0.75, 1.1)
    c.rectangle(left, top, right, y, c.colour(h + c.u(-0.01, 0.01), s, v))
    c.rectangle(right - 0.12 * half, top, right, y, c.colour(h, s, 0.7 * v))
    c.rectangle(left - 0.01, top - 0.012, right + 0.01, top + 0.008, c.colour(h, s, 0.6 * v))
    _windows(c, left, top + 0.02, right, y - 0.07, scene)
    door = c.u(left + 0.03, right - 0.05)
    c.rectangle(door, y - 0.07, door + 0.035, y, c.named(c.pick(("brown", "red", "blue", "black"))))
    if c.u() < 0.4:  # a shop
        awning = c.named(thing.colour)
        c.polygon(
            [(left, y - 0.1), (right, y - 0.1), (right + 0.015, y - 0.065), (left - 0.015, y - 0.065)], awning
        )


def _windows(c: Canvas, left: float, top: float, right: float, bottom: float, scene: Scene) -> None:
    across, down = int(c.u(2, 5)), max(1, int((bottom - top) / c.u(0.065, 0.1)))
    step_x, step_y = (right - left) / across, (bottom - top) / down
    dark, frame = c.colour(0.58, 0.3, c.u(0.25, 0.55)), c.colour(0.1, 0.1, 0.85)
    wide, high = c.u(0.4, 0.65), c.u(0.5, 0.7)
    for column in range(across):
        for row in range(down):
            wx, wy = left + (column + 0.5 - 0.5 * wide) * step_x, top + (row + 0.2) * step_y
            on = scene.light == "night" and c.u() < 0.55
            fill = c.colour(c.u(0.1, 0.15), 0.55, c.u(0.8, 1.0), lit=True) if on else dark
            c.rectangle(wx - 0.006, wy - 0.006, wx + wide * step_x + 0.006, wy + high * step_y + 0.006, frame)
            c.rectangle(wx, wy, wx + wide * step_x, wy + high * step_y, fill)


def house(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    half, wall = 0.6 * size, 0.55 * size
    c.rectangle(x - half, y - wall, x + half, y, c.colour(c.u(0.05, 0.14), c.u(0.05, 0.45), c.u(0.65, 0.95)))
    roof = (
        c.colour(0.6, 0.05, 0.93)
        if scene.ground == "snow"
        else c.colour(c.u(0.0, 0.07), c.u(0.3, 0.7), c.u(0.35, 0.6))
    )
    c.polygon(
        [
            (x - half - 0.1 * size, y - wall),
            (x - 0.6 * half, y - size),
            (x + 0.6 * half, y - size),
            (x + half + 0.1 * size, y - wall),
        ],
        roof,
    )
    window = c.colour(0.13, 0.5, 0.95, lit=True) if scene.light == "night" else c.colour(0.58, 0.3, 0.35)
    for place in (-0.65, 0.35):
        c.rectangle(x + place * half, y - 0.42 * size, x + (place + 0.3) * half, y - 0.2 * size, window)
    c.rectangle(x - 0.12 * half, y - 0.33 * size, x + 0.14 * half, y, c.named("brown"))


def bridge(c: Canvas, thing: Thing, scene: Scene) -> None:
    y, size = scene.horizon + 0.04 + 0.5 * thing.size, thing.size
    stone = c.colour(c.u(0.05, 0.1), c.u(0.1, 0.4), c.u(0.4, 0.65))
    c.rectangle(0, y - size, 1, y - 0.78 * size, stone)
    arches, offset = int(c.u(2, 5)), c.u()
    for number in range(-1, arches + 1):
        px = (number + offset) / arches
        c.rectangle(px - 0.025, y - 0.8 * size, px + 0.025, y, stone)
        c.arc(px + 0.5 / arches, y - 0.3 * size, 0.5 / arches, 0.5 * size, 180, 360, 0.025, stone)


def car(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    long, side = 1.15 * size, c.pick((-1, 1))
    body = c.named(thing.colour)
    c.ellipse(x, y - 0.02 * size, long, 0.1 * size, c.colour(0.6, 0.1, 0.15))

    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + side * dx * long, y - dy * size

    roof = c.u(0.9, 1.1)
    c.polygon(
        [
            at(-0.62, 0.55),
            at(-0.4, roof - 0.05),
            at(-0.3, roof),
            at(0.12, roof),
            at(0.24, roof - 0.06),
            at(0.5, 0.55),
        ],
        body,
    )
    glass = c.colour(0.55, 0.25, c.u(0.35, 0.75))
    c.polygon([at(-0.52, 0.57), at(-0.33, roof - 0.1), at(-0.1, roof - 0.1), at(-0.1, 0.57)], glass)
    c.polygon([at(-0.05, 0.57), at(-0.05, roof - 0.1), at(0.15, roof - 0.1), at(0.4, 0.57)], glass)
    c.polygon(
        [
            at(-0.97, 0.2),
            at(-1.0, 0.48),
            at(-0.9, 0.6),
            at(0.5, 0.58),
            at(0.9, 0.48),
            at(1.0, 0.3),
            at(0.98, 0.16),
        ],
        body,
    )
    c.polygon([at(-0.98, 0.2), at(-1.0, 0.28), at(1.0, 0.26), at(0.98, 0.16)], c.colour(0.6, 0.1, 0.25))
    for wheel in (-0.58, 0.6):
        wx, wy = at(wheel, 0.19)
        c.ellipse(wx, wy, 0.21 * size, 0.21 * size, c.colour(0.6, 0.1, 0.12))
        c.ellipse(wx, wy, 0.11 * size, 0.11 * size, c.colour(0.6, 0.03, 0.75))
    lamp = scene.light == "night"
    c.ellipse(*at(0.92, 0.42), 0.05 * size, 0.05 * size, c.colour(0.14, 0.3, 1.0, lit=lamp))
    c.ellipse(*at(-0.97, 0.45), 0.035 * size, 0.05 * size, c.colour(0.0, 0.9, 0.8, lit=lamp))
    if lamp:
        c.glow(*at(1.1, 0.4), 0.45 * size, c.colour(0.14, 0.25, 1.0, lit=True), 0.7)


def bicycle(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    r, fill, dark = 0.3 * size, c.named(thing.colour), c.colour(0.6, 0.1, 0.15)
    for side in (-1, 1):
        c.arc(x + side * 0.42 * size, y - r, r, r, 0, 360, 0.03 * size, dark)
    back, front = (x - 0.42 * size, y - r), (x + 0.42 * size, y - r)
    crank, seat, bar = (
        (x - 0.05 * size, y - r),
        (x - 0.15 * size, y - 0.8 * size),
        (x + 0.3 * size, y - 0.85 * size),
    )
    c.line([back, crank, seat, back], 0.04 * size, fill)
    c.line([seat, bar, crank], 0.04 * size, fill)
    c.line([front, bar, (bar[0] + 0.1 * size, bar[1] - 0.1 * size)], 0.04 * size, fill)
    c.line(
        [(seat[0] - 0.1 * size, seat[1] - 0.04 * size), (seat[0] + 0.1 * size, seat[1] - 0.04 * size)],
        0.05 * size,
        dark,
    )


def boat(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, size = thing.x, thing.size
    y = scene.horizon + (1 - scene.horizon) * (0.05 + 0.6 * size)
    hull = c.named(thing.colour)
    c.polygon(
        [
            (x - 0.45 * size, y - 0.15 * size),
            (x + 0.5 * size, y - 0.18 * size),
            (x + 0.3 * size, y),
            (x - 0.33 * size, y),
        ],
        hull,
    )
    if c.u() < 0.65:
        sail = c.colour(0.1, 0.05, c.u(0.85, 1.0))
        c.line([(x, y - 0.15 * size), (x, y - size)], 0.025 * size, c.colour(0.08, 0.4, 0.4))
        c.polygon(
            [
                (x + 0.03 * size, y - size),
                (x + 0.42 * size, y - 0.24 * size),
                (x + 0.03 * size, y - 0.22 * size),
            ],
            sail,
        )
        c.polygon(
            [
                (x - 0.04 * size, y - 0.92 * size),
                (x - 0.36 * size, y - 0.24 * size),
                (x - 0.04 * size, y - 0.22 * size),
            ],
            sail,
        )
    else:
        c.rectangle(
            x - 0.2 * size, y - 0.4 * size, x + 0.15 * size, y - 0.16 * size, c.colour(0.6, 0.05, 0.9)
        )
        c.rectangle(
            x - 0.15 * size, y - 0.35 * size, x + 0.1 * size, y - 0.27 * size, c.colour(0.58, 0.4, 0.4)
        )


def plane(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    side, fill, shade = c.pick((-1, 1)), c.colour(0.6, 0.04, 0.92), c.colour(0.6, 0.08, 0.6)
    climb = c.u(-0.1, 0.35)

    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + side * dx * size, y - (dy + climb * dx) * size

    c.polygon([at(-0.85, 0.05), at(-1.05, 0.4), at(-0.9, 0.4), at(-0.6, 0.1)], c.named(thing.colour))
    c.polygon(
        [at(-1.0, 0.08), at(-0.8, 0.13), at(0.75, 0.13), at(1.0, 0.03), at(0.8, -0.08), at(-0.6, -0.06)], fill
    )
    c.polygon([at(0.25, 0.03), at(-0.05, 0.03), at(-0.5, -0.38), at(-0.38, -0.4)], shade)
    c.polygon([at(0.2, 0.12), at(-0.02, 0.12), at(-0.3, 0.36), at(-0.2, 0.36)], shade)


def balloon(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    first, second = c.named(thing.colour), c.named(c.pick(("yellow", "red", "blue", "white")))
    top = y - 0.55 * size
    for part, fill in ((1.0, first), (0.72, second), (0.36, first)):
        c.ellipse(x, top, 0.38 * part * size, 0.42 * size, fill)
        c.polygon(
            [
                (x - 0.33 * part * size, top + 0.2 * size),
                (x + 0.33 * part * size, top + 0.2 * size),
                (x + 0.07 * size, y - 0.02 * size),
                (x - 0.07 * size, y - 0.02 * size),
            ],
            fill,
        )
    c.rectangle(x - 0.07 * size, y + 0.03 * size, x + 0.07 * size, y + 0.13 * size, c.colour(0.08, 0.6, 0.35))
