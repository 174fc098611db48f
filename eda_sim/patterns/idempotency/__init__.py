"""Idempotency: a message may come twice, its effect should not.

===============  ===================================================================================
module           what it is about
===============  ===================================================================================
``messages``     what is delivered: a payment into an account
``guards``       dedup cache with a window, natural idempotence, version check; and no guard at all
``inbox``        an inbox table on SQLite: record and effect in one transaction
``effects``      the deliveries of a run given to a guard: guarantee, and expected against actual
``payments``     a payment service whose acknowledgements get lost, as a scenario
``windows``      copies that come late: how many slip past a window, simulated and in closed form
===============  ===================================================================================
"""

from eda_sim.patterns.idempotency import effects, guards, inbox, messages, payments, windows

__all__ = ["effects", "guards", "inbox", "messages", "payments", "windows"]
