# SPDX-License-Identifier: MIT
"""Outdoor surroundings from the back to the front: sky, what stands at the horizon, ground and water."""

import math

from mvi.synthetic.canvas import Canvas, Colour
from mvi.synthetic.nature import foliage
from mvi.synthetic.scene import Scene

CLOUD_CELLS = ((4, 3), (8, 7), (17, 15))


def sky(c: Canvas, scene: Scene) -> list[Colour]:
    """Paint the sky down to the horizon; return its colours from above to below, which water mirrors."""
    if scene.light == "sunset":
        colours, sun = _dusk(c)
    elif scene.light == "night":
        h, v = c.u(0.6, 0.72), c.u(0.08, 0.22)
        colours = [c.colour(h, 0.7, v, lit=True), c.colour(h, 0.65, 1.9 * v, lit=True)]
    elif scene.weather in ("overcast", "fog"):
        v = c.u(0.6, 0.88)
        colours = [c.colour(0.58, 0.08, v, lit=True), c.colour(0.58, 0.04, v + 0.08, lit=True)]
    else:
        h, s, v = c.u(0.54, 0.63), c.u(0.4, 0.8), c.u(0.65, 0.98)
        colours = [
            c.colour(h, s, v, lit=True),
            c.colour(h - 0.02, 0.6 * s, v + 0.08, lit=True),
            c.colour(h - 0.03, 0.25 * s, 0.95, lit=True),
        ]
    bottom = min(1.0, scene.horizon + 0.02)
    c.gradient(0, bottom, colours)
    if scene.light == "night":
        _stars(c, scene)
    if scene.light == "sunset":
        _setting_sun(c, scene, sun)
    elif scene.light == "day" and scene.weather == "clear" and c.u() < 0.2:
        c.glow(c.u(0.1, 0.9), c.u(0.05, 0.5) * scene.horizon, c.u(0.2, 0.4), (255, 250, 225))
    _clouds(c, scene, bottom)
    return colours


def _dusk(c: Canvas) -> tuple[list[Colour], Colour]:
    warm = c.u(0.02, 0.11)
    top = c.colour(c.u(0.58, 0.85), c.u(0.35, 0.65), c.u(0.3, 0.65), lit=True)
    if c.u() < 0.3:
        top = c.colour(warm - 0.04, 0.8, c.u(0.35, 0.6), lit=True)
    middle = c.colour(warm - 0.04, c.u(0.5, 0.8), c.u(0.7, 0.9), lit=True)
    return [top, middle, c.colour(warm + 0.02, c.u(0.6, 0.9), 0.98, lit=True)], c.colour(
        0.13, 0.35, 1.0, lit=True
    )


def _stars(c: Canvas, scene: Scene) -> None:
    if scene.weather == "clear":
        for _ in range(25):
            c.ellipse(c.u(), c.u(0, scene.horizon), 0.003, 0.003, c.colour(0.6, 0.1, c.u(0.4, 0.9), lit=True))
    if c.u() < 0.5:
        x, y, r = c.u(0.15, 0.85), c.u(0.15, 0.5) * scene.horizon, c.u(0.03, 0.07)
        c.glow(x, y, 3.5 * r, (190, 200, 225), 0.6)
        c.ellipse(x, y, r, r, (240, 240, 215))


def _setting_sun(c: Canvas, scene: Scene, sun: Colour) -> None:
    x, y, r = c.u(0.15, 0.85), scene.horizon * c.u(0.6, 1.0), c.u(0.035, 0.09)
    c.glow(x, y, c.u(0.35, 0.6), sun, 0.8)
    if scene.weather in ("clear", "cloudy"):
        c.ellipse(x, y, r, r, sun)


def _clouds(c: Canvas, scene: Scene, bottom: float) -> None:
    if scene.light == "night" and scene.weather != "clear":
        c.mottle((0, 0, 1, bottom), (52, 54, 72), CLOUD_CELLS, 0.5, 1.5, 0.6)
        return
    if scene.weather == "overcast":
        c.mottle(
            (0, 0, 1, bottom), c.colour(0.6, 0.08, c.u(0.4, 0.55), lit=True), CLOUD_CELLS, 0.4, 1.6, 0.55
        )
        return
    if scene.weather != "cloudy":
        return
    threshold, gain = 0.66 - 0.3 * scene.cover, c.u(3, 8)
    if scene.light == "sunset":
        lit, under = (
            c.colour(c.u(0.96, 1.08), c.u(0.4, 0.7), 0.95, lit=True),
            c.colour(0.8, 0.35, 0.4, lit=True),
        )
    else:
        v = c.u(0.9, 1.0)
        lit, under = c.colour(0.6, 0.02, v, lit=True), c.colour(0.6, 0.1, 0.72 * v, lit=True)
    across = c.pick((1, 1, 2))  # small clouds or large ones
    cells = tuple((across * a, max(2, round(across * b * bottom))) for a, b in CLOUD_CELLS)
    c.clouds((0, 0, 1, bottom), lit, under, cells, threshold, gain)


def far(c: Canvas, scene: Scene) -> None:
    """Paint what stands at the horizon: mountains, hills, a wood or the skyline of a town."""
    haze = 0.75 if scene.weather == "fog" else 0.3
    if scene.far == "mountains":
        _mountains(c, scene, haze)
    elif scene.far == "hills":
        for layer in range(int(c.u(1, 4))):
            _hill(c, scene, 0.12 - 0.035 * layer, haze * (1 - 0.3 * layer))
    elif scene.far == "trees":
        h, s, v = foliage(c, scene)
        for number in range(26):
            x, r = (number + c.u()) / 26, c.u(0.035, 0.08)
            c.ellipse(x, scene.horizon, r, 1.3 * r, c.colour(h + c.u(-0.02, 0.02), s, v * c.u(0.55, 0.95)))
    elif scene.far == "skyline":
        _skyline(c, scene, haze)


def _ridge(c: Canvas, base: float, height: float, points: int, rough: float) -> list[tuple[float, float]]:
    phase, waves, level = c.u(0, 6), c.u(1, 2.5), 0.0
    ridge = []
    for number in range(points + 1):
        x = number / points
        level = 0.7 * level + c.u(-rough, rough)
        ridge.append(
            (x, base - height * max(0.05, 0.6 + 0.4 * math.sin(phase + 2 * math.pi * waves * x) + level))
        )
    return ridge


def _mountains(c: Canvas, scene: Scene, haze: float) -> None:
    base = scene.horizon + 0.02
    snowy = scene.season == "winter" or c.u() < 0.6
    for layer in range(2):
        height = c.u(0.4, 0.75) * scene.horizon * (1 - 0.45 * layer)
        ridge = _ridge(c, base, height, 28, 0.28)
        rock = c.colour(c.u(0.55, 0.65), 0.3, (0.42 - 0.12 * layer) * (1 + haze))
        c.polygon([*ridge, (1, base), (0, base)], rock)
        if snowy and layer == 0:
            line = base - 0.5 * height
            caps = [(x, min(y + c.u(0.25, 0.7) * max(0.0, line - y), line)) for x, y in ridge]
            white = c.colour(0.6, 0.04, 0.97)
            c.polygon(
                [(x, min(y, lower)) for (x, y), (_, lower) in zip(ridge, caps, strict=True)] + caps[::-1],
                white,
            )


def _hill(c: Canvas, scene: Scene, height: float, haze: float) -> None:
    h, s, v = foliage(c, scene)
    fill = c.colour(h + 0.06 * haze, s * (1 - haze), v + 0.35 * haze)
    base = scene.horizon + 0.02
    c.polygon([*_ridge(c, base, height * c.u(0.7, 1.3), 24, 0.06), (1, base), (0, base)], fill)


def _skyline(c: Canvas, scene: Scene, haze: float) -> None:
    x, base, tall = -0.02, scene.horizon + 0.02, min(1.0, c.u(0.45, 0.95)) * scene.horizon
    if scene.kind != "skyline":
        tall *= 0.5
    hue, night = c.u(0.55, 0.68), scene.light == "night"
    if night:
        c.glow(0.5, base, 0.6, c.colour(0.09, 0.5, 0.7, lit=True), 0.45)
    while x < 1:
        wide, high = c.u(0.04, 0.13), tall * c.u(0.3, 1.0)
        v = c.u(0.3, 0.6) * (1 + haze)
        c.rectangle(x, base - high, x + wide, base, c.colour(hue, c.u(0.05, 0.3), v))
        if c.u() < 0.2:
            c.polygon(
                [(x, base - high), (x + 0.5 * wide, base - high - 0.1), (x + wide, base - high)],
                c.colour(hue, 0.2, v),
            )
        pane = c.colour(hue, 0.2, v * (0.65 if c.u() < 0.5 else 1.3))
        for column in range(int(wide / 0.022)):
            wx = x + 0.01 + 0.022 * column
            if not night:
                c.rectangle(wx, base - high + 0.015, wx + 0.006, base - 0.02, pane)
                continue
            for row in range(int(high / 0.035)):
                if c.u() < 0.5:
                    wy = base - high + 0.015 + 0.035 * row
                    c.rectangle(
                        wx, wy, wx + 0.009, wy + 0.014, c.colour(c.u(0.08, 0.15), 0.5, c.u(0.7, 1), lit=True)
                    )
        x += wide + c.u(0, 0.02)


def ground(c: Canvas, scene: Scene, above: list[Colour]) -> None:
    """Paint what lies below the horizon; water shows the colours of the sky, `above`."""
    top = scene.horizon
    if top >= 0.99:
        return
    if scene.ground in ("sea", "shore"):
        _sea(c, scene, above)
    elif scene.ground == "lake":
        _lake(c, scene, above)
    elif scene.ground == "street":
        _street(c, top)
    else:
        _meadow(c, scene, top)
        if scene.ground == "river":
            _river(c, scene, above)


def _mixed(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (int((1 - share) * x + share * y) for x, y in zip(a, b, strict=True))
    return red, green, blue


def _sea(c: Canvas, scene: Scene, above: list[Colour]) -> None:
    top, hue = scene.horizon, c.u(0.48, 0.62)
    shore = top + (1 - top) * (c.u(0.35, 0.65) if scene.ground == "shore" else 1.0)
    deep = c.colour(hue, c.u(0.45, 0.75), c.u(0.35, 0.65))
    c.gradient(
        top, min(1.0, shore + 0.06), [_mixed(deep, above[0], 0.3), deep, _mixed(deep, above[-1], 0.25)]
    )
    light, dark = _mixed(deep, above[-1], 0.55), _mixed(deep, (0, 0, 0), 0.3)
    for _ in range(70):
        depth = c.u() ** 1.7
        y, x, half = top + (shore - top) * depth, c.u(), 0.02 + 0.1 * depth
        c.line(
            [(x - half, y), (x, y - 0.15 * half), (x + half, y)],
            0.004 + 0.008 * depth,
            light if c.u() < 0.6 else dark,
        )
    if scene.light == "sunset":
        _glitter(c, top, shore)
    if scene.ground == "shore":
        sand = c.colour(c.u(0.09, 0.12), c.u(0.2, 0.45), c.u(0.75, 0.92))
        edge, phase = [], c.u(0, 6)
        for number in range(13):
            edge.append(
                (number / 12, shore + 0.02 * math.sin(phase + number * 0.9) + 0.06 * (number / 12 - 0.5))
            )
        c.polygon([*edge, (1, 1), (0, 1)], sand)
        c.line(edge, 0.025, c.colour(0.55, 0.03, 0.97))
        c.mottle(
            (0, shore + 0.06, 1, 1), _mixed(sand, (60, 40, 20), 0.4), ((30, 12), (60, 30)), 0.5, 2.0, 0.5
        )


def _glitter(c: Canvas, top: float, bottom: float) -> None:
    x = c.u(0.3, 0.7)
    for _ in range(30):
        depth = c.u()
        half = c.u(0.02, 0.05) * (0.5 + depth)
        px, y = x + c.u(-0.06, 0.06) * (0.4 + depth), top + (bottom - top) * depth
        c.line([(px - half, y), (px + half, y)], 0.006, c.colour(c.u(0.08, 0.13), 0.5, 1.0, lit=True))


def _lake(c: Canvas, scene: Scene, above: list[Colour]) -> None:
    top, calm = scene.horizon, c.u(0.2, 0.6)
    blue = _mixed(c.colour(c.u(0.5, 0.62), 0.5, 0.4), above[0], 0.4)
    c.gradient(top, 1, [_mixed(blue, above[-1], 0.5), blue])
    c.mirror(top, 1, blue, calm)
    for _ in range(30):
        depth = c.u()
        y, x, half = top + (1 - top) * depth, c.u(), c.u(0.05, 0.25)
        c.line([(x - half, y), (x + half, y)], 0.004 + 0.004 * depth, _mixed(blue, above[-1], c.u(0, 0.8)))
    c.line([(0, top + 0.01), (1, top + 0.01)], 0.012, _mixed(blue, (20, 25, 20), 0.6))
    if c.u() < 0.4:  # the near shore
        h, s, v = foliage(c, scene)
        left, right = c.u(0.8, 1.05), c.u(0.8, 1.05)
        c.polygon(
            [(0, left), (0.5, c.u(0.9, 1.0)), (1, right), (1, 1.01), (0, 1.01)], c.colour(h, s, 0.7 * v)
        )


def _river(c: Canvas, scene: Scene, above: list[Colour]) -> None:
    top, phase, bend, start = scene.horizon + 0.01, c.u(0, 6), c.u(0.08, 0.3), c.u(0.3, 0.7)
    wide = c.u(0.35, 0.7)
    left, right = [], []
    for number in range(15):
        depth = number / 14
        middle = start + bend * math.sin(phase + 4.5 * depth) * (0.3 + 0.7 * depth)
        half = 0.012 + 0.5 * wide * depth**1.4
        y = top + (1.01 - top) * depth
        left.append((middle - half, y))
        right.append((middle + half, y))
    deep = c.colour(c.u(0.48, 0.6), c.u(0.25, 0.6), c.u(0.35, 0.6))
    water = _mixed(deep, above[-1], c.u(0.2, 0.5))
    c.polygon(left + right[::-1], water)
    bank = c.colour(0.1, 0.4, 0.3)
    c.line(left, 0.012, bank)
    c.line(right, 0.012, bank)
    for _ in range(28):
        depth = c.u(0.15, 1)
        number = int(depth * 14)
        (lx, y), (rx, _) = left[number], right[number]
        x, half = lx + (rx - lx) * c.u(0.15, 0.75), 0.12 * (rx - lx)
        c.line([(x, y), (x + half, y + 0.01)], 0.005 + 0.006 * depth, _mixed(water, above[-1], c.u(0.2, 0.8)))


def _street(c: Canvas, top: float) -> None:
    grey = c.u(0.3, 0.5)
    c.gradient(top, 1, [c.colour(0.6, 0.04, grey + 0.12), c.colour(0.6, 0.05, grey)])
    c.mottle((0, top, 1, 1), c.colour(0.6, 0.05, 0.6 * grey), ((20, 8), (50, 25)), 0.5, 1.5, 0.4)
    kerb = top + 0.18 * (1 - top)
    c.rectangle(0, top, 1, kerb, c.colour(0.1, 0.06, grey + 0.25))
    c.rectangle(0, kerb, 1, kerb + 0.012, c.colour(0.1, 0.05, 0.3))
    y, shift = top + 0.62 * (1 - top), c.u(0, 0.25)
    for number in range(5):
        x = shift + 0.25 * number - 0.2
        c.polygon(
            [(x, y), (x + 0.13, y), (x + 0.12, y + 0.02), (x - 0.015, y + 0.02)], c.colour(0.13, 0.1, 0.9)
        )


def _meadow(c: Canvas, scene: Scene, top: float) -> None:
    h, s, v = foliage(c, scene)
    if scene.ground == "snow":
        h, s, v = 0.6, 0.05, 0.95
    elif scene.ground == "field":
        h, s, v = c.u(0.1, 0.15), c.u(0.4, 0.7), c.u(0.6, 0.85)
    elif scene.ground == "rock":
        h, s, v = c.u(0.05, 0.12), c.u(0.1, 0.3), c.u(0.4, 0.6)
    elif scene.season == "autumn":
        h, s, v = h + 0.1, 0.7 * s, 0.8 * v
    c.gradient(top, 1, [c.colour(h, 0.8 * s, v), c.colour(h, s, 0.85 * v), c.colour(h, s, 0.7 * v)])
    c.mottle((0, top, 1, 1), c.colour(h + 0.02, s, 0.65 * v), ((6, 4), (16, 14), (48, 32)), 0.45, 2.0, 0.5)
    if scene.ground in ("grass", "field", "river"):
        for _ in range(90):
            depth = c.u() ** 0.7
            x, y, high = c.u(), top + (1.02 - top) * depth, 0.01 + 0.045 * depth
            blade = c.colour(h + c.u(-0.03, 0.03), s, v * c.u(0.6, 1.25))
            c.line([(x, y), (x + c.u(-0.012, 0.012), y - high)], 0.004, blade)
