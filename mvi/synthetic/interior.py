# SPDX-License-Identifier: MIT
"""Surroundings of close-ups and indoor scenes: blurred backgrounds, rooms, tables, walls and lights."""

import math

from mvi.synthetic.canvas import Canvas
from mvi.synthetic.nature import foliage
from mvi.synthetic.scene import Scene, Thing


def leaves(c: Canvas, scene: Scene, blur: float) -> None:
    """Fill the image with foliage out of focus."""
    h, s, v = foliage(c, scene)
    c.gradient(0, 1, [c.colour(h, 0.7 * s, 1.2 * v), c.colour(h, s, 0.7 * v), c.colour(h, s, 0.45 * v)])
    for _ in range(45):
        r = c.u(0.03, 0.13)
        c.ellipse(c.u(), c.u(), r, r, c.colour(h + c.u(-0.05, 0.05), s * c.u(0.5, 1.1), v * c.u(0.5, 1.6)))
    c.soften(blur)


def forest(c: Canvas, scene: Scene) -> None:
    """Trunks and leaves, near and far, with light between them."""
    h, s, v = foliage(c, scene)
    light = c.colour(h - 0.05, 0.4 * s, 0.95) if scene.weather != "fog" else c.colour(0.55, 0.05, 0.8)
    c.gradient(0, 0.7, [c.colour(h, s, 0.7 * v), light, c.colour(h, s, 0.9 * v)])
    floor = c.u(0.6, 0.75)
    earth = (0.07, 0.5, 0.35) if scene.season in ("autumn", "winter") else (h, 0.8 * s, 0.6 * v)
    white = scene.ground == "snow"
    c.gradient(
        floor,
        1,
        [
            c.colour(0.6, 0.04, 0.9) if white else c.colour(*earth),
            c.colour(earth[0], earth[1], 0.6 * earth[2]),
        ],
    )
    if not white:
        c.mottle(
            (0, floor, 1, 1),
            c.colour(earth[0] + 0.03, earth[1], 1.4 * earth[2]),
            ((12, 6), (40, 20)),
            0.5,
            3,
            0.6,
        )
    if c.u() < 0.4:
        x = c.u(0.35, 0.65)
        c.polygon(
            [(x - 0.02, floor), (x + 0.02, floor), (x + 0.22, 1), (x - 0.25, 1)], c.colour(0.09, 0.3, 0.6)
        )
    for layer in range(3):
        for _ in range((9, 6, 3)[layer]):
            x, wide = c.u(), (0.012, 0.03, 0.065)[layer] * c.u(0.7, 1.3)
            foot = floor + (0.0, 0.08, 0.25)[layer] * c.u(0.5, 1.2)
            bark = c.u(0.45, 0.6) - 0.16 * layer
            c.polygon(
                [(x - wide, foot), (x - 0.8 * wide, 0), (x + 0.8 * wide, 0), (x + wide, foot)],
                c.colour(0.07, 0.35, bark),
            )
            c.rectangle(x + 0.3 * wide, 0, x + 0.8 * wide, foot, c.colour(0.07, 0.4, 0.75 * bark))
        if scene.season != "winter":
            shade = c.colour(h + c.u(-0.03, 0.03), s, v * (1.25 - 0.3 * layer))
            c.mottle((0, 0, 1, 0.62 - 0.12 * layer), shade, ((6, 4), (18, 12), (44, 30)), 0.5, 5, 0.9)


def wall(c: Canvas, scene: Scene) -> None:
    """A plain wall or a dark background, lit unevenly."""
    h, s = c.u(), c.u(0.03, 0.4)
    v = c.u(0.12, 0.3) if scene.light == "night" or c.u() < 0.2 else c.u(0.5, 0.95)
    c.gradient(0, 1, [c.colour(h, s, v), c.colour(h, s, 0.75 * v)])
    c.glow(c.u(0, 1), c.u(0, 0.6), c.u(0.5, 0.8), c.colour(h, 0.6 * s, 1.3 * v), 0.8)
    if c.u() < 0.35:  # something blurred behind
        for _ in range(int(c.u(1, 4))):
            x, y = c.u(), c.u(0, 0.5)
            c.rectangle(
                x,
                y,
                x + c.u(0.1, 0.35),
                y + c.u(0.1, 0.4),
                c.named(c.pick(("brown", "white", "blue", "red"))),
            )
        c.soften(0.035)


def lights(c: Canvas) -> None:
    """Discs of coloured light out of focus."""
    c.gradient(0, 1, [c.colour(c.u(), 0.6, 0.15), c.colour(c.u(), 0.6, 0.08)])
    hue, spread, size = c.u(), c.u(0.03, 0.5), c.u(0.025, 0.08)
    for _ in range(int(c.u(14, 40))):
        c.glow(
            c.u(), c.u(), size * c.u(1.4, 2.5), c.colour(hue + c.u(-spread, spread), 0.7, 1.0, lit=True), 0.6
        )
        r = size * c.u(0.5, 1.1)
        c.ellipse(
            c.u(), c.u(), r, r, c.colour(hue + c.u(-spread, spread), c.u(0.4, 0.9), c.u(0.5, 1.0), lit=True)
        )


def stage(c: Canvas) -> None:
    """A dark hall with coloured beams, as at a concert."""
    c.gradient(0, 1, [(12, 8, 18), (24, 14, 26)])
    for _ in range(int(c.u(2, 5))):
        x, foot = c.u(0.1, 0.9), c.u(0, 1)
        fill = c.colour(c.pick((0.0, 0.6, 0.78, 0.9, 0.12)), 0.7, 0.55, lit=True)
        c.polygon([(x - 0.01, 0), (x + 0.01, 0), (foot + 0.16, 1), (foot - 0.16, 1)], fill)
    c.soften(0.03)
    for _ in range(6):
        c.glow(c.u(), c.u(0, 0.3), 0.1, c.colour(c.u(), 0.4, 1.0, lit=True), 0.9)


def stripes(c: Canvas) -> None:
    """A close-up of a pattern: stripes, checks or circles."""
    first, second = (
        c.named(c.pick(("red", "blue", "white", "black", "green", "yellow"))),
        c.named(c.pick(("white", "black", "orange", "purple", "blue"))),
    )
    c.gradient(0, 1, [first, first])
    form, step, angle = c.pick(("stripes", "checks", "circles")), c.u(0.06, 0.2), c.u(0, math.pi)
    if form == "circles":
        x, y = c.u(), c.u()
        for number in range(14, 0, -1):
            c.ellipse(x, y, number * step, number * step, first if number % 2 else second)
    for number in range(-12, 13) if form != "circles" else ():
        px, py = 0.5 + 2 * number * step * math.cos(angle), 0.5 + 2 * number * step * math.sin(angle)
        dx, dy = -math.sin(angle), math.cos(angle)
        c.line([(px - dx, py - dy), (px + dx, py + dy)], step, second)
        if form == "checks":
            px, py = 0.5 + 2 * number * step * dx, 0.5 + 2 * number * step * dy
            c.line([(px - dy, py + dx), (px + dy, py - dx)], 0.5 * step, first)
    c.mottle((0, 0, 1, 1), c.colour(0.1, 0.3, 0.2), ((5, 5), (30, 30)), 0.5, 1, 0.5)


def bricks(c: Canvas) -> None:
    """A wall of bricks with something painted on it."""
    hue, v = c.u(0.0, 0.07), c.u(0.4, 0.65)
    c.gradient(0, 1, [c.colour(0.08, 0.1, 0.7), c.colour(0.08, 0.1, 0.6)])
    high = c.u(0.055, 0.09)
    for row in range(int(1 / high) + 1):
        for column in range(-1, int(0.5 / high) + 1):
            x, y = 2 * high * (column + 0.5 * (row % 2)), high * row
            c.rectangle(
                x, y, x + 1.85 * high, y + 0.84 * high, c.colour(hue, c.u(0.4, 0.65), v * c.u(0.8, 1.2))
            )
    for _ in range(int(c.u(1, 5))):
        fill, x, y = (
            c.named(c.pick(("blue", "green", "yellow", "pink", "white", "black"))),
            c.u(0.1, 0.7),
            c.u(0.25, 0.75),
        )
        points = [(x + 0.09 * number + c.u(-0.04, 0.04), y + c.u(-0.18, 0.18)) for number in range(5)]
        c.line(points, c.u(0.025, 0.07), fill)


def room(c: Canvas, scene: Scene) -> None:
    """A room with a floor, a window, images and furniture."""
    floor, hue, pale = c.u(0.6, 0.75), c.u(), c.u(0.05, 0.35)
    c.gradient(0, floor, [c.colour(hue, pale, 0.75), c.colour(hue, pale, 0.9)])
    wood, v = c.u(0.06, 0.1), c.u(0.35, 0.65)
    c.gradient(floor, 1, [c.colour(wood, 0.5, v), c.colour(wood, 0.5, 0.8 * v)])
    for number in range(9):
        x = number / 8
        c.line(
            [(0.5 + 0.8 * (x - 0.5), floor), (0.5 + 2.2 * (x - 0.5), 1)], 0.005, c.colour(wood, 0.5, 0.7 * v)
        )
    c.rectangle(0, floor - 0.012, 1, floor + 0.012, c.colour(0.1, 0.06, 0.9))
    _window(c, scene)
    for _ in range(int(c.u(0, 3))):
        x, y, wide, high = c.u(0.05, 0.85), c.u(0.1, 0.3), c.u(0.1, 0.18), c.u(0.1, 0.2)
        c.rectangle(x, y, x + wide, y + high, c.named(c.pick(("brown", "black", "white"))))
        c.rectangle(
            x + 0.015,
            y + 0.015,
            x + wide - 0.015,
            y + high - 0.015,
            c.named(c.pick(("blue", "green", "red"))),
        )
    if c.u() < 0.6:
        _sofa(c, floor)
    if c.u() < 0.5:
        _shelf(c, floor)
    if c.u() < 0.45:
        x, y = c.u(0.1, 0.9), floor - c.u(0.2, 0.4)
        shade = c.colour(0.12, 0.4, 1.0, lit=True)
        c.glow(x, y, 0.4, shade, 0.55)
        c.line([(x, y), (x, floor + 0.06)], 0.014, c.colour(0.6, 0.1, 0.2))
        c.polygon([(x - 0.05, y - 0.1), (x + 0.05, y - 0.1), (x + 0.09, y), (x - 0.09, y)], shade)


def _window(c: Canvas, scene: Scene) -> None:
    x, y, wide, high = c.u(0.08, 0.6), c.u(0.08, 0.18), c.u(0.2, 0.32), c.u(0.28, 0.4)
    if scene.light == "night":
        pane = c.colour(0.64, 0.6, 0.15, lit=True)
    else:
        pane = c.colour(c.u(0.5, 0.6), c.u(0.05, 0.4), 1.0, lit=True)
        c.glow(x + 0.5 * wide, y + 0.5 * high, 0.5, (255, 250, 235), 0.45)
    frame = c.colour(0.1, 0.04, 0.95)
    c.rectangle(x - 0.02, y - 0.02, x + wide + 0.02, y + high + 0.02, frame)
    c.rectangle(x, y, x + wide, y + high, pane)
    c.rectangle(x + 0.5 * wide - 0.008, y, x + 0.5 * wide + 0.008, y + high, frame)
    c.rectangle(x, y + 0.45 * high, x + wide, y + 0.45 * high + 0.014, frame)
    if c.u() < 0.5:
        curtain = c.named(c.pick(("red", "white", "blue", "orange", "purple")))
        for side in (x - 0.09, x + wide):
            c.polygon(
                [
                    (side, y - 0.03),
                    (side + 0.09, y - 0.03),
                    (side + 0.08, y + high + 0.12),
                    (side + 0.01, y + high + 0.12),
                ],
                curtain,
            )


def _sofa(c: Canvas, floor: float) -> None:
    h, s, v = c.u(), c.u(0.2, 0.7), c.u(0.35, 0.75)
    x, wide, y = c.u(0.0, 0.45), c.u(0.4, 0.6), floor + c.u(0.08, 0.18)
    c.rectangle(x, y - 0.3, x + wide, y, c.colour(h, s, 0.85 * v))
    c.rectangle(x - 0.03, y - 0.14, x + wide + 0.03, y - 0.03, c.colour(h, s, v))
    for side in (x - 0.04, x + wide - 0.03):
        c.rectangle(side, y - 0.2, side + 0.08, y + 0.01, c.colour(h, s, 0.7 * v))
    for _ in range(int(c.u(0, 3))):
        px = c.u(x + 0.05, x + wide - 0.15)
        c.rectangle(px, y - 0.25, px + 0.12, y - 0.13, c.named(c.pick(("red", "yellow", "white", "orange"))))


def _shelf(c: Canvas, floor: float) -> None:
    x, wide, top = c.u(0, 0.75), c.u(0.2, 0.3), floor - c.u(0.35, 0.5)
    c.rectangle(x, top, x + wide, floor + 0.03, c.colour(0.07, 0.5, 0.3))
    for row in range(3):
        y, px = top + (row + 0.9) * (floor - top) / 3, x + 0.012
        while px < x + wide - 0.025:
            thick = c.u(0.012, 0.03)
            c.rectangle(px, y - c.u(0.07, 0.11), px + thick, y, c.colour(c.u(), c.u(0.3, 0.8), c.u(0.3, 0.9)))
            px += thick + 0.004


def plate(c: Canvas, thing: Thing, scene: Scene) -> None:
    """A laid table: a plate with food, perhaps a cup and a fork."""
    x, y, r = thing.x, thing.y - 0.5 * thing.size, 0.5 * thing.size
    flat = c.u(0.55, 1.0)
    c.ellipse(x + 0.02, y + 0.03, r, r * flat, c.colour(0.07, 0.4, 0.2))
    c.ellipse(x, y, r, r * flat, c.colour(0.1, 0.03, 0.97))
    c.ellipse(x, y, 0.78 * r, 0.78 * r * flat, c.colour(0.1, 0.04, 0.88))
    dish = c.pick(("salad", "pizza", "cake", "fruit", "noodles"))
    if dish == "pizza":
        c.ellipse(x, y, 0.75 * r, 0.75 * r * flat, c.colour(0.09, 0.6, 0.7))
        c.ellipse(x, y, 0.66 * r, 0.66 * r * flat, c.colour(0.11, 0.7, 0.95))
    elif dish == "cake":
        c.polygon(
            [
                (x - 0.5 * r, y),
                (x + 0.5 * r, y - 0.2 * r),
                (x + 0.5 * r, y + 0.25 * r),
                (x - 0.5 * r, y + 0.4 * r),
            ],
            c.colour(0.07, 0.6, c.u(0.25, 0.7)),
        )
        c.polygon(
            [(x - 0.5 * r, y), (x + 0.5 * r, y - 0.2 * r), (x + 0.2 * r, y - 0.45 * r)],
            c.named(c.pick(("white", "pink", "brown"))),
        )
        c.line([(x - 0.5 * r, y + 0.2 * r), (x + 0.5 * r, y + 0.02 * r)], 0.06 * r, c.named("white"))
    palette = {
        "salad": ("green", "green", "red", "yellow"),
        "pizza": ("red", "red", "green", "white"),
        "cake": ("red", "pink"),
        "fruit": ("orange", "red", "yellow", "green", "purple"),
        "noodles": ("yellow", "orange", "brown"),
    }[dish]
    for _ in range(7 if dish == "cake" else 26):
        angle, reach = c.u(0, 2 * math.pi), 0.6 * r * math.sqrt(c.u())
        px, py = x + reach * math.cos(angle), y + reach * math.sin(angle) * flat
        if dish == "noodles":
            c.arc(
                px,
                py,
                c.u(0.15, 0.35) * r,
                c.u(0.1, 0.25) * r,
                c.u(0, 180),
                c.u(200, 400),
                0.05 * r,
                c.named(c.pick(palette)),
            )
        else:
            piece = c.u(0.07, 0.16) * r * (1.6 if dish == "fruit" else 1)
            c.ellipse(px, py, piece, piece * c.u(0.6, 1.0), c.named(c.pick(palette)))
    if c.u() < 0.5:
        side = c.pick((-1, 1))
        c.line(
            [(x + side * 1.15 * r, y - 0.6 * r), (x + side * 1.15 * r, y + 0.7 * r)],
            0.03,
            c.colour(0.6, 0.03, 0.8),
        )
    if c.u() < 0.45:
        cx, cy = c.pick((0.1, 0.9)) + c.u(-0.05, 0.05), c.u(0.08, 0.25)
        c.ellipse(cx, cy, 0.16, 0.15, c.colour(0.1, 0.03, 0.95))
        c.ellipse(cx, cy, 0.12, 0.11, c.colour(0.07, 0.6, c.u(0.2, 0.5)))


def table(c: Canvas) -> None:
    """A table top seen from above."""
    h, s, v = c.pick(
        ((0.07, 0.55, 0.5), (0.08, 0.4, 0.7), (0.1, 0.04, 0.9), (0.0, 0.6, 0.6), (0.58, 0.4, 0.6))
    )
    v *= c.u(0.8, 1.1)
    c.gradient(0, 1, [c.colour(h, s, 0.8 * v), c.colour(h, s, v)])
    for _ in range(16):
        y = c.u()
        c.line([(0, y), (1, y + c.u(-0.03, 0.03))], 0.004, c.colour(h, s, v * c.u(0.75, 0.95)))
