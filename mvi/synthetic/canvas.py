# SPDX-License-Identifier: MIT
"""A canvas for procedural images: unit coordinates, light, gradients and textures on Pillow's drawing."""

import colorsys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]
Item = TypeVar("Item")

FINENESS = 2  # drawn so many times finer than asked for, then averaged, which smooths edges
# Hue, saturation, value and how far hue may vary.
NAMED = {
    "red": (0.99, 0.85, 0.8, 0.02),
    "orange": (0.07, 0.85, 0.95, 0.015),
    "yellow": (0.14, 0.8, 0.95, 0.015),
    "green": (0.34, 0.6, 0.55, 0.05),
    "blue": (0.6, 0.7, 0.75, 0.03),
    "purple": (0.76, 0.55, 0.65, 0.03),
    "pink": (0.93, 0.45, 0.95, 0.02),
    "white": (0.1, 0.05, 0.95, 0.1),
    "black": (0.6, 0.15, 0.14, 0.3),
    "brown": (0.07, 0.5, 0.45, 0.015),
}


class Canvas:
    """A square RGB image in the making; coordinates run from 0 to 1, x to the right and y downwards.

    `tint` multiplies the red, green and blue of every colour that is not `lit`.
    """

    def __init__(self, size: int, tint: Iterable[float], generator: np.random.Generator) -> None:
        self.size = size
        self.n = FINENESS * size
        self.image = Image.new("RGB", (self.n, self.n))
        self.pen = ImageDraw.Draw(self.image)
        self.tint = tuple(tint)
        self.generator = generator
        self._uniform = self._stream()

    def _stream(self) -> Iterator[float]:
        # One call for many numbers: single ones cost more than the strokes that they place.
        while True:
            yield from self.generator.random(512).tolist()

    def u(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a uniform number."""
        return low + (high - low) * next(self._uniform)

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of `items`, all equally likely."""
        return items[int(len(items) * next(self._uniform))]

    def colour(self, h: float, s: float, v: float, lit: bool = False) -> Colour:
        """Return the colour of hue, saturation and value `h`, `s`, `v`, under this image's light."""
        rgb = colorsys.hsv_to_rgb(h % 1.0, min(max(s, 0.0), 1.0), min(max(v, 0.0), 1.0))
        light = (1.0, 1.0, 1.0) if lit else self.tint
        red, green, blue = (min(255, int(255 * part * own)) for part, own in zip(rgb, light, strict=True))
        return red, green, blue

    def named(self, name: str) -> Colour:
        """Return a shade of the colour `name`, varying from call to call."""
        h, s, v, spread = NAMED[name]
        return self.colour(h + self.u(-spread, spread), s * self.u(0.85, 1.15), v * self.u(0.85, 1.1))

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        n = self.n
        self.pen.polygon([(x * n, y * n) for x, y in points], fill=fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        n = self.n
        self.pen.ellipse(((x - rx) * n, (y - ry) * n, (x + rx) * n, (y + ry) * n), fill=fill)

    def rectangle(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        n = self.n
        if right < left or bottom < top:  # what would lie beyond the edge of the image
            return
        self.pen.rectangle((left * n, top * n, right * n, bottom * n), fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        n = self.n
        self.pen.line(
            [(x * n, y * n) for x, y in points], fill=fill, width=max(1, round(width * n)), joint="curve"
        )

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float, width: float, fill: Colour
    ) -> None:
        n = self.n
        box = ((x - rx) * n, (y - ry) * n, (x + rx) * n, (y + ry) * n)
        self.pen.arc(box, start, end, fill=fill, width=max(1, round(width * n)))

    def chord(self, x: float, y: float, rx: float, ry: float, start: float, end: float, fill: Colour) -> None:
        n = self.n
        self.pen.chord(((x - rx) * n, (y - ry) * n, (x + rx) * n, (y + ry) * n), start, end, fill=fill)

    def _box(self, left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
        x, y = max(0, round(left * self.n)), max(0, round(top * self.n))
        return (
            x,
            y,
            max(x + 1, min(self.n, round(right * self.n))),
            max(y + 1, min(self.n, round(bottom * self.n))),
        )

    def gradient(self, top: float, bottom: float, colours: Sequence[Colour]) -> None:
        """Fill the band between `top` and `bottom` with `colours` from above to below."""
        left, upper, right, lower = self._box(0, top, 1, bottom)
        strip = Image.new("RGB", (1, len(colours)))
        strip.putdata(colours)
        # Cut half a stop away at both ends, where resizing would repeat the edge.
        band = strip.resize(
            (1, lower - upper), Image.Resampling.BILINEAR, box=(0, 0.5, 1, max(0.6, len(colours) - 0.5))
        )
        self.image.paste(band.resize((right - left, lower - upper)), (left, upper))

    def noise(self, width: int, height: int, cells: Sequence[tuple[int, int]]) -> Image.Image:
        """Return smooth noise (grey, mean 128): octaves of `cells` (across, down), each half as strong."""

        def octave(across: int, down: int) -> Image.Image:
            raw = self.generator.integers(0, 256, (down, across), np.uint8)
            return Image.fromarray(raw).resize((width, height), Image.Resampling.BICUBIC)

        total = octave(*cells[0])
        for number, finer in enumerate(cells[1:], 1):
            total = Image.blend(total, octave(*finer), 0.5 ** (number + 0.5))
        return total

    def mottle(
        self,
        box: tuple[float, float, float, float],
        fill: Colour,
        cells: Sequence[tuple[int, int]],
        threshold: float = 0.4,
        gain: float = 2.0,
        most: float = 1.0,
    ) -> None:
        """Paint `fill` over `box` where noise exceeds `threshold`, opaque up to `most`, edges by `gain`."""
        left, upper, right, lower = self._box(*box)
        table = [int(255 * most * min(1.0, max(0.0, (v / 255 - threshold) * gain))) for v in range(256)]
        mask = self.noise(right - left, lower - upper, cells).point(table)
        self.image.paste(fill, (left, upper), mask)

    def clouds(
        self,
        box: tuple[float, float, float, float],
        lit: Colour,
        under: Colour,
        cells: Sequence[tuple[int, int]],
        threshold: float,
        gain: float,
    ) -> None:
        """Paint clouds over `box`: like `mottle`, with the shade `under` below each billow that is `lit`."""
        left, upper, right, lower = self._box(*box)
        noise = self.noise(right - left, lower - upper, cells)
        table = [int(255 * min(1.0, max(0.0, (v / 255 - threshold) * gain))) for v in range(256)]
        self.image.paste(under, (left, upper), noise.point(table))
        # The same noise a little higher: what it leaves free at the lower edges stays in the shade.
        shift = max(1, round(0.025 * self.n))
        table = [int(0.95 * v) for v in table]
        self.image.paste(lit, (left, upper - shift), noise.point(table))

    def glow(self, x: float, y: float, radius: float, fill: Colour, most: float = 1.0) -> None:
        """Paint light that fades from (x, y) to nothing at `radius`."""
        side = max(2, round(2 * radius * self.n))
        table = [int(most * max(0, 255 - v) ** 2 / 255) for v in range(256)]
        mask = _RADIAL.resize((side, side)).point(table)
        corner = (round((x - radius) * self.n), round((y - radius) * self.n))
        self.image.paste(fill, corner, mask)

    def soften(self, radius: float) -> None:
        """Blur all that has been painted so far, as a lens does with what is behind its subject."""
        self.image = self.image.filter(ImageFilter.BoxBlur(radius * self.n))
        self.pen = ImageDraw.Draw(self.image)

    def mirror(self, top: float, bottom: float, fill: Colour, most: float) -> None:
        """Reflect what is above `top` into the band down to `bottom`, mixed with `most` of `fill`."""
        left, upper, right, lower = self._box(0, top, 1, bottom)
        height = min(upper, lower - upper)
        if height < 2:
            return
        above = self.image.crop((left, upper - height, right, upper)).transpose(
            Image.Transpose.FLIP_TOP_BOTTOM
        )
        band = Image.blend(above, Image.new("RGB", above.size, fill), most)
        self.image.paste(band.resize((right - left, lower - upper)), (left, upper))

    def finished(self) -> Image.Image:
        """Return the image at the size asked for."""
        return self.image.reduce(FINENESS)


_RADIAL = Image.radial_gradient("L")
