"""``python -m eda_sim.cli`` is ``eda-sim``."""

from eda_sim.cli import main

if __name__ == "__main__":
    main(prog_name="eda-sim")
