from . import lessons as lessons
from . import plots as plots
from . import theory as theory
from .engine.user import CallFailed as CallFailed
from .engine.user import CallTimeout as CallTimeout
from .engine.user import Failure as Failure
from .engine.user import HandlerError as HandlerError
from .experiments import Comparison as Comparison
from .experiments import ExperimentError as ExperimentError
from .experiments import Sizing as Sizing
from .experiments import compare as compare
from .experiments import design as design
from .experiments import size as size
from .experiments import summarize as summarize
from .experiments import sweep as sweep
from .simulation import Run as Run
from .simulation import check as check
from .simulation import run as run
from .spec import Scenario as Scenario
from .spec import ScenarioError as ScenarioError
from .spec import brokers as brokers
from .spec import dump as dump
from .spec import load as load
from .spec import scenarios as scenarios

__version__: str
