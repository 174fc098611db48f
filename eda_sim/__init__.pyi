from . import lessons as lessons
from . import plots as plots
from . import theory as theory
from .simulation import Run as Run
from .simulation import run as run
from .spec import Scenario as Scenario
from .spec import ScenarioError as ScenarioError
from .spec import dump as dump
from .spec import load as load
from .spec import scenarios as scenarios

__version__: str
