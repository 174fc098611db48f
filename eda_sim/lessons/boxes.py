"""Boxes: a coloured frame with a heading, for notebooks.

JupyterLab shows an untrusted notebook only after it has removed scripts and style sheets, so a box
carries the little style that it needs on the element itself. Colour never stands alone: the heading
says the same in words.
"""

from __future__ import annotations

import html
import re

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#767676"
"""Colours that readers with any colour vision can tell apart (Okabe and Ito; Tol)."""


def box(heading: str, body: str, colour: str) -> str:
    """Return the HTML of a box.

    Parameters
    ----------
    heading : str
        Plain text.
    body : str
        HTML.
    colour : str
        Of the bar at the left edge.

    Returns
    -------
    str
    """
    return (
        f'<div style="border-left: 6px solid {colour}; padding: 4px 12px; margin: 4px 0">'
        f"<strong>{inline(heading)}</strong> {body}</div>"
    )


def inline(text: str) -> str:
    """Return plain text as HTML; words in `backticks` become code.

    Examples
    --------
    >>> inline("x < 1 in `f(x)`")
    'x &lt; 1 in <code>f(x)</code>'
    """
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))
