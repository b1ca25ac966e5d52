# SPDX-License-Identifier: MIT
"""One look for every figure, and files whose bytes depend on the numbers shown and nothing else.

Figures are made by the object interface (`new_figure`), so there is no global state and no display.
Wrap the code that draws in `with applied():`, since matplotlib reads most of its settings when an
axis or a text is made.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple, cast

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from mvi.files import atomic
from mvi.report.figures import lettering

PAGE_WIDTH = 6.8
"""Width of the text block of a page, inches."""

DPI = 300
"""Dots an inch of every raster, also of images inside an SVG."""

INK = "#1a1a1a"
MUTED = "#6b6b6b"
HAIRLINE = "#d9d9d9"

# Of Okabe and Ito's palette, which is told apart with every common kind of colour blindness; markers repeat
# the distinction for print in black and white. For lines that are no method of training.
_SPARE = [
    (INK, "v"),
    ("#56B4E9", "P"),
    ("#7F7F7F", "X"),
    ("#E69F00", "d"),
    ("#AA4499", "*"),
    ("#88CCEE", "o"),
    ("#DDCC77", "s"),
]

_SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 8.5,
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.5,
    "legend.columnspacing": 1.4,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.handletextpad": 0.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "lines.markeredgewidth": 0,
    "savefig.dpi": DPI,
    "svg.fonttype": "path",
    "svg.hashsalt": "mvi",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}


@contextmanager
def applied(words: Iterable[str] = ()) -> Iterator[None]:
    """Use the project's settings inside the `with` block, whatever the user's matplotlibrc says.

    words: what users wrote that is drawn, for which other fonts may be needed
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS | {"font.family": lettering.families(words)})
        yield


def new_figure(width: float = PAGE_WIDTH, height: float = 2.6) -> Figure:
    """An empty figure of `width` x `height` inches with constrained layout and no display."""
    with applied():
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
    return figure


def renderer(figure: Figure) -> RendererAgg:
    """What measures texts of a figure made by `new_figure`."""
    return cast(FigureCanvasAgg, figure.canvas).get_renderer()


class Look(NamedTuple):
    """How a line is drawn, the same in every figure."""

    label: str
    color: str
    marker: str


def looks(lines: Mapping[str, str | Mapping[str, str]]) -> dict[str, Look]:
    """The look of each line, name -> `Look`, in the order of the legend.

    A line is given by "label", "color" and "marker", or by its label alone and takes the next spare look.
    """
    spare = cycle(_SPARE)
    return {
        name: Look(given, *next(spare)) if isinstance(given, str) else Look(**given)
        for name, given in lines.items()
    }


def edge(marker: str) -> float:
    """Width of the edge of a marker: one made of lines is nothing else."""
    return 1.3 if marker in ("x", "+") else 0.0


def draw_mean(axes: Axes, x: np.ndarray, values: np.ndarray, look: Look) -> Line2D:
    """Draw the mean of `values` (seeds, n) at `x` (n,), with a band of one standard deviation.

    The standard deviation has n - 1 in its denominator; there is no band for one seed.
    """
    mean = values.mean(axis=0)
    # At most about ten markers, or they hide the line.
    every = max(1, len(x) // 10)
    drawn: dict[str, Any] = {"color": look.color, "marker": look.marker, "markeredgewidth": edge(look.marker)}
    (line,) = axes.plot(x, mean, label=look.label, markevery=every, **drawn)
    if len(values) > 1:
        spread = values.std(axis=0, ddof=1)
        axes.fill_between(x, mean - spread, mean + spread, color=look.color, alpha=0.18, linewidth=0)
    return line


def save(figure: Figure, png_path: str | Path, svg_path: str | Path) -> None:
    """Write the figure as PNG and SVG; the same figure gives the same bytes.

    Both files are written beside their place and renamed, so that neither is ever half there.
    """
    with applied():
        for path, metadata in ((png_path, {"Software": None}), (svg_path, {"Date": None})):
            with atomic(path) as temporary:
                figure.savefig(temporary, dpi=DPI, metadata=metadata)


def save_images(figure: Figure, path: str | Path, dpi: int) -> None:
    """Write a figure that holds mostly images as PNG only: an SVG would hold them once more, and larger.

    Colours are rounded to 64 levels a channel, which nobody sees, and which takes a third of the bytes away.
    """
    drawn = BytesIO()
    with applied():
        figure.savefig(drawn, dpi=dpi, format="png")
    with Image.open(drawn) as image, atomic(path) as temporary:
        rounded = image.convert("RGB").point([min(4 * ((value + 2) // 4), 255) for value in range(256)] * 3)
        rounded.save(temporary, "PNG", dpi=(dpi, dpi), optimize=True)


def notice(text: str) -> Figure:
    """A small figure that says in a sentence why there is nothing to be drawn."""
    figure = new_figure(height=0.8)
    figure.text(0.5, 0.5, text, ha="center", va="center", color=MUTED)
    return figure
