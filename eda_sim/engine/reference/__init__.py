"""The reference engine: the model written as SimPy processes, to be read.

A student reads it in this order: :mod:`producers` create messages, a :mod:`links` carries them, a
:mod:`channels` stores them, :mod:`subscriptions` (leases on single deliveries) or :mod:`groups`
(leases on partitions) hand them over, :mod:`consumers` handle them, :mod:`faults` break things, and
the :mod:`ledger` remembers. :mod:`simulation` builds all that from a plan and runs it.
"""
