"""Illustrations: figures that also say in words what is to be seen."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 90
_COLOURS = 48


@dataclass(frozen=True)
class Illustration:
    """A picture and its description.

    Attributes
    ----------
    png : bytes
        The picture.
    alt : str
        What is to be seen: shown where the picture cannot be, and read out by screen readers.
    width : int
        Pixels on the screen.
    """

    png: bytes = field(repr=False)
    alt: str
    width: int

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"

    def _repr_html_(self) -> str:
        # As HTML, because JupyterLab gives no alternative text to an image/png output.
        data = base64.b64encode(self.png).decode("ascii")
        alt = html.escape(self.alt)
        return f'<img alt="{alt}" width="{self.width}" src="data:image/png;base64,{data}">'


def show(drawing: Axes | Figure, *, alt: str) -> Illustration:
    """Turn a drawing into a picture with a description, and close it.

    The picture has a palette of at most 48 colours, which keeps notebooks small, and no date or
    version inside, so equal drawings give equal bytes.

    Parameters
    ----------
    drawing : Axes or Figure
        Of matplotlib.
    alt : str
        What is to be seen in it, in one or two sentences.

    Returns
    -------
    Illustration
        As the last value of a cell it is shown.

    Raises
    ------
    ValueError
        If the description is empty.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> show(Figure().subplots(), alt="Empty axes.")
    Figure: Empty axes.
    """
    # Both take long to import, and nothing else in this room needs them.
    from matplotlib import pyplot as plt
    from PIL import Image

    if not alt.strip():
        message = "a picture needs a description"
        raise ValueError(message)
    figure: Any = drawing.get_figure(root=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight")
    plt.close(figure)  # or the notebook would draw it a second time, without its description
    with Image.open(buffer) as image:
        flat = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small = io.BytesIO()
    flat.save(small, format="PNG", optimize=True)
    return Illustration(small.getvalue(), alt, flat.width)
