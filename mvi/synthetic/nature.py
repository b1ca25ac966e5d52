# SPDX-License-Identifier: MIT
"""Things that grow: trees and flowers.

Each function paints one thing with its foot at (x, y) and `size` high; what a scene leaves open (proportions,
shades, posture) is drawn anew each time.
"""

import math

from mvi.synthetic.canvas import Canvas, Colour
from mvi.synthetic.scene import Scene, Thing

FOLIAGE = {"spring": (0.24, 0.6, 0.6), "summer": (0.29, 0.6, 0.5), "autumn": (0.075, 0.75, 0.7)}


def foliage(c: Canvas, scene: Scene) -> tuple[float, float, float]:
    """Return hue, saturation and value of leaves in the season of `scene`."""
    h, s, v = FOLIAGE.get(scene.season, (0.3, 0.4, 0.35))
    return h + c.u(-0.035, 0.035), s * c.u(0.8, 1.2), v * c.u(0.75, 1.2)


def _crown(c: Canvas, x: float, y: float, rx: float, ry: float, hsv: tuple[float, float, float]) -> None:
    h, s, v = hsv
    c.ellipse(x, y, 0.85 * rx, 0.85 * ry, c.colour(h, s, 0.7 * v))
    for number in range(34):
        angle, reach = c.u(0, 2 * math.pi), math.sqrt(c.u())
        px, py = x + rx * reach * math.cos(angle), y + ry * reach * math.sin(angle)
        light = v * (0.75 + 0.35 * number / 34 - 0.3 * (py - y) / ry)
        r = c.u(0.12, 0.24)
        c.ellipse(px, py, r * rx, r * rx, c.colour(h + c.u(-0.02, 0.02), s, light))


def tree(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    bark = c.colour(0.07, 0.45, c.u(0.2, 0.4))
    wide = 0.045 * size
    c.polygon(
        [(x - wide, y), (x - 0.4 * wide, y - 0.6 * size), (x + 0.4 * wide, y - 0.6 * size), (x + wide, y)],
        bark,
    )
    if scene.season == "winter":
        _branches(c, x, y - 0.45 * size, 0.3 * size, -math.pi / 2, 0.03 * size, bark, 4)
        return
    h, s, v = foliage(c, scene)
    if scene.season == "spring" and c.u() < 0.35:
        h, s, v = c.u(0.9, 0.96), 0.3, 0.95  # in blossom
    _crown(c, x, y - 0.66 * size, c.u(0.24, 0.34) * size, 0.34 * size, (h, s, v))


def _branches(
    c: Canvas, x: float, y: float, length: float, angle: float, width: float, fill: Colour, depth: int
) -> None:
    end = (x + length * math.cos(angle), y + length * math.sin(angle))
    c.line([(x, y), end], width, fill)
    if depth > 0:
        for side in (-1, 1):
            _branches(
                c, *end, length * c.u(0.6, 0.8), angle + side * c.u(0.25, 0.6), 0.6 * width, fill, depth - 1
            )


def conifer(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    h, s, v = c.u(0.36, 0.44), c.u(0.35, 0.6), c.u(0.22, 0.38)
    c.rectangle(x - 0.02 * size, y - 0.2 * size, x + 0.02 * size, y, c.colour(0.07, 0.5, 0.25))
    wide = c.u(0.16, 0.24) * size
    for level in range(5):
        top, foot = y - size * (1 - 0.17 * level), y - size * (0.68 - 0.145 * level)
        half = wide * (0.35 + 0.16 * level)
        c.polygon([(x, top), (x - half, foot), (x + half, foot)], c.colour(h, s, v * (1.15 - 0.07 * level)))
        if scene.ground == "snow":
            c.polygon(
                [
                    (x, top),
                    (x - 0.5 * half, 0.5 * (top + foot)),
                    (x + 0.3 * half, 0.55 * (top + foot) - 0.05 * foot),
                ],
                c.colour(0.6, 0.05, 0.92),
            )


def palm(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    lean = c.u(-0.2, 0.2) * size
    top = (x + lean, y - 0.85 * size)
    c.line([(x, y), (x + 0.3 * lean, y - 0.45 * size), top], 0.035 * size, c.colour(0.08, 0.4, 0.42))
    for number in range(9):
        angle = math.pi * (0.08 + number / 9) + c.u(-0.1, 0.1)
        dx, dy = 0.36 * size * math.cos(angle), -0.22 * size * math.sin(angle)
        tip = (top[0] + dx, top[1] + dy + 0.13 * size)
        middle = (top[0] + 0.55 * dx, top[1] + dy - 0.02 * size)
        fill = c.colour(c.u(0.26, 0.36), 0.6, c.u(0.3, 0.5))
        c.polygon(
            [top, (middle[0], middle[1] - 0.02 * size), tip, (middle[0], middle[1] + 0.045 * size)], fill
        )


def flower(c: Canvas, thing: Thing, scene: Scene) -> None:
    x, y, size = thing.x, thing.y, thing.size
    head, radius = y - 0.7 * size, 0.34 * size
    leaf = c.colour(c.u(0.25, 0.36), 0.6, c.u(0.3, 0.55))
    c.line([(x, head), (x + c.u(-0.1, 0.1) * size, y + 0.4 * size)], 0.035 * size, leaf)
    for side in (-1, 1):
        c.polygon(
            [(x, y), (x + side * 0.3 * size, y - 0.22 * size), (x + side * 0.12 * size, y - 0.02 * size)],
            leaf,
        )
    petals, turn = int(c.u(5, 14)) if size > 0.25 else 5, c.u(0, 1)
    squash, breadth = c.u(0.7, 1.0), c.u(0.35, 0.75)
    rows = 2 if petals > 8 or c.u() < 0.4 else 1
    for row in range(rows):
        reach = radius * (1 - 0.35 * row)
        for number in range(petals):
            angle = 2 * math.pi * (number + turn + 0.5 * row) / petals
            _petal(c, x, head, reach, angle, squash, breadth, c.named(thing.colour))
    heart = (
        c.colour(0.13, 0.8, 0.85) if thing.colour not in ("yellow", "orange") else c.colour(0.07, 0.6, 0.3)
    )
    c.ellipse(x, head, 0.24 * radius, 0.24 * radius * squash, heart)


def _petal(
    c: Canvas, x: float, y: float, reach: float, angle: float, squash: float, breadth: float, fill: Colour
) -> None:
    half = breadth * 0.55
    points = [(x, y)]
    for part, turn in ((0.55, -half), (0.9, -0.5 * half), (1.0, 0.0), (0.9, 0.5 * half), (0.55, half)):
        a = angle + turn
        points.append((x + part * reach * math.cos(a), y + part * reach * math.sin(a) * squash))
    c.polygon(points, fill)
