from . import idempotency as idempotency
from . import projections as projections
from . import sourcing as sourcing
