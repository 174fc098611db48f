"""A picture has a description, is closed, and is the same bytes each time."""

import base64
import io
import re

import pytest
from matplotlib import pyplot as plt
from PIL import Image

from eda_sim import lessons


def drawing():
    _, ax = plt.subplots(figsize=(4, 2))
    ax.plot([1, 3, 2], label="a line")
    ax.legend()
    return ax


def test_the_description_is_the_text_and_the_alternative_text():
    picture = lessons.show(drawing(), alt='A line that "peaks" < 4.')
    assert repr(picture) == 'Figure: A line that "peaks" < 4.'
    assert 'alt="A line that &quot;peaks&quot; &lt; 4."' in picture._repr_html_()


def test_a_picture_without_a_description_is_refused():
    with pytest.raises(ValueError, match="description"):
        lessons.show(drawing(), alt=" ")


def test_the_picture_is_small_and_shows_something():
    picture = lessons.show(drawing(), alt="A line.")
    (data,) = re.findall(r'base64,([^"]*)"', picture._repr_html_())
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.width == picture.width > 300
        assert len(image.convert("RGB").getcolors(1 << 16)) > 4
    assert len(picture.png) < 15_000


def test_equal_drawings_give_equal_bytes():
    assert lessons.show(drawing(), alt="A.").png == lessons.show(drawing(), alt="B.").png


def test_the_figure_is_closed_so_that_it_is_shown_once():
    before = plt.get_fignums()
    lessons.show(drawing(), alt="A line.")
    lessons.show(drawing().figure, alt="A line.")
    assert plt.get_fignums() == before
