"""The evidence page as a notebook: the same text, and cells that ask again.

Nothing in it depends on the moment or the machine: cells have the names of what they hold, and no
time is kept. So making it again changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from eda_sim.lessons.kernels import METADATA, executed

if TYPE_CHECKING:
    from nbformat import NotebookNode

ASKED = ("replicas.3", "avail.retry", "mm1.l0.8m1.W")
"""Records that are answered within seconds, of different kinds."""

_AGAIN = """\
## Ask again

The tables below were made when the page was. These cells ask anew, on your machine; `value` is what
somebody else found, `low` and `high` are the ends of the 99.9 % interval of the simulation. Put in
other records: each row of the last table is one.
"""
_ASK = f"""\
import eda_sim as es

es.evidence.ask({", ".join(f'"{name}"' for name in ASKED)})"""
_OTHERS = """\
Nothing is tuned to the records: other parameters, which stand in no file, must agree as well. Here
the mean time in a queue at 85 % load, simulated with its 95 % interval, beside theory. Change the
rate.
"""
_RATE = """\
rate = 8.5  # jobs per second; the worker can do 10

busier = es.load("mm1").replace({"producers.clients.rate": rate, "duration": "4h"})
table = es.sweep(busier, [{}], replications=10, metrics="latency.mean", progress=False)
theory = es.theory.mm1(arrival_rate=rate, service_rate=10).mean_sojourn
table[["metric", "mean", "low", "high"]].assign(theory=theory).round(4)"""
_ENGINES = """\
Both engines write the same run to the last bit, and no law is broken; else this cell would fail.
"""
_CHECK = """\
es.check(es.load("broker_failover").replace({"duration": "1min"}))"""


def notebook(text: str) -> NotebookNode:
    r"""Return the page as a notebook whose cells were not run.

    Parameters
    ----------
    text : str
        The page, as :func:`~eda_sim.evidence.page.page` returns it.

    Returns
    -------
    NotebookNode
        A cell for each section, and behind the introduction those that ask again.

    Examples
    --------
    >>> cells = notebook("# Evidence\n\n## Records\n\nMany.\n").cells
    >>> cells[0].source, cells[-1].source
    ('# Evidence', '## Records\n\nMany.')
    """
    from nbformat import v4

    first, *sections = re.split(r"\n(?=## )", text)
    asking = [
        v4.new_markdown_cell(_AGAIN.strip()),
        v4.new_code_cell(_ASK),
        v4.new_markdown_cell(_OTHERS.strip()),
        v4.new_code_cell(_RATE),
        v4.new_markdown_cell(_ENGINES.strip()),
        v4.new_code_cell(_CHECK),
    ]
    cells = [
        v4.new_markdown_cell(first.strip()),
        *asking,
        *(v4.new_markdown_cell(section.strip()) for section in sections),
    ]
    for cell in cells:
        cell["id"] = hashlib.blake2s(cell.source.encode(), digest_size=4).hexdigest()
    made: NotebookNode = v4.new_notebook(cells=cells, metadata=METADATA)
    return made


def answered(made: NotebookNode) -> NotebookNode:
    """Run a notebook; return it with the results of its cells.

    Parameters
    ----------
    made : NotebookNode
        What :func:`notebook` returned.

    Returns
    -------
    NotebookNode

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    done = executed(made)
    for cell in done.cells:
        if cell.cell_type == "code":
            # What is compiled on the way may speak; only results are kept.
            kept = [output for output in cell.outputs if output.output_type == "execute_result"]
            cell["outputs"] = kept
    return done
