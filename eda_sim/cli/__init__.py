"""The command ``eda-sim``: what the package does, for a shell and for scripts.

``eda-sim run`` simulates a scenario, ``plot`` draws what a run saved; ``sweep``, ``compare`` and
``size`` make many runs; ``fit`` makes a scenario from a log; ``scenarios`` lists what is bundled,
``brokers`` lists presets of brokers, ``schema`` prints the JSON Schema for editors, ``check`` says
what is wrong with a scenario, or with what the engines make of it. Results go to standard output,
everything else (errors, progress) to standard error. How a command ends is in
:mod:`eda_sim.cli.failures`.

The libraries that simulate and draw are imported inside the commands: ``eda-sim --help`` answers at
once.
"""

import click

from eda_sim import __version__
from eda_sim.cli.brokers import brokers
from eda_sim.cli.check import check
from eda_sim.cli.compare import compare
from eda_sim.cli.evidence import evidence
from eda_sim.cli.failures import OneLineErrors
from eda_sim.cli.fit import fit
from eda_sim.cli.plot import plot
from eda_sim.cli.run import run
from eda_sim.cli.scenarios import scenarios
from eda_sim.cli.schema import schema
from eda_sim.cli.size import size
from eda_sim.cli.sweep import sweep

__all__ = ["main"]


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def main() -> None:
    """Simulate event-driven systems: producers, channels, consumers and faults.

    SCENARIO is the name of a bundled scenario or the path of a YAML file.

    \b
    Exit codes:
      0    done
      1    a check failed, an objective is not met, or runs of a sweep failed
      2    bad input: an option, a scenario, or a file that cannot be read or written
      130  interrupted; nothing half written is left
    """  # noqa: D301 - \b keeps click from joining the lines of the list


for _command in (brokers, check, compare, evidence, fit, plot, run, scenarios, schema, size, sweep):
    main.add_command(_command)
