"""Consumers: services whose instances take deliveries and handle them.

An *instance* lives as long as the run. Each time it comes up it opens a new *session*: a
connection, local buffers and ``concurrency`` workers. A crash ends the session, and with it
everything that was in the instance's memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import DedupScope, LeaseScope, Settle
from eda_sim.engine.reference.dedup import Deduplicator
from eda_sim.engine.reference.emits import Emitter
from eda_sim.engine.reference.groups import Group
from eda_sim.engine.reference.handling import Handling
from eda_sim.engine.reference.instances import Instance
from eda_sim.engine.reference.ledger import Delivery, Message
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.queues import Queue
from eda_sim.engine.reference.subscriptions import Subscription
from eda_sim.engine.streams.addresses import Stream


class Consumer:
    """A service that reads one or more channels.

    Parameters
    ----------
    model : Model
        The run it is part of.
    index : int
        Its row in the plan.
    """

    def __init__(self, model: Model, index: int) -> None:
        plan = model.plan
        row = plan.consumers
        self.model = model
        self.index = index
        self.address = int(row.address[index])
        self.concurrency = int(row.concurrency[index])
        self.settle_after = row.settle[index] == Settle.AFTER
        self.settle_before = row.settle[index] == Settle.BEFORE
        self.settles_automatically = row.settle[index] == Settle.AUTO
        self.service = model.draws(row.service[index], Stream.SERVICE)
        self.delivery_latency = model.draws(row.link[index], Stream.DELIVERY_LINK)
        self.settle_latency = model.draws(row.link[index], Stream.SETTLE_LINK)
        self.answer_latency = model.draws(row.link[index], Stream.ANSWER_LINK)
        self.loss = float(plan.links.loss[len(plan.producers.rows.address) + index])
        self.emitter = Emitter(model, index, len(plan.producers.rows.address) + index, self.address)
        self.preemptive = bool(plan.handling.preemptive[index])
        handling = Handling(self)
        self.handling = handling if handling.is_needed else None
        self.state: dict[Any, Any] = {}
        self.publications: dict[int, int] = {}
        self.busy = 0
        rows = [i for i, consumer in enumerate(plan.subscriptions.consumer) if consumer == index]
        self.channels_read = {int(plan.subscriptions.channel[i]) for i in rows}
        self.channels_emitted = set(plan.emits.channel[plan.emits.consumer == index].tolist())
        self.instances = [Instance(self, i) for i in range(int(row.instances[index]))]
        self._most_urgent = int(plan.subscriptions.priorities[rows[0]]) - 1
        self._dedup_scope = int(row.dedup_scope[index])
        self._shared_memory = self._new_memory()
        self._entities: dict[int, int] = {}
        self._copies_of: dict[int, int] = {}
        leases_on_partitions = plan.subscriptions.lease_scope[rows[0]] == LeaseScope.PARTITION
        self.group = Group(model, self, rows) if leases_on_partitions else None
        self.queues = [] if self.group else [Queue(model, i, self) for i in rows]

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Return one subscription per channel, whatever its leases cover."""
        return self.group.topics if self.group else self.queues

    @property
    def up(self) -> int:
        """Return how many instances are up."""
        return sum(instance.session is not None for instance in self.instances)

    def start(self) -> None:
        """Bring all instances up."""
        for instance in self.instances:
            instance.come_up()
        if self.group:
            self.group.start()
        for queue in self.queues:
            queue.start()

    def entity(self, lineage: int) -> int:
        """Return the address of this consumer's draws about messages of one lineage."""
        entity = self._entities.get(lineage)
        if entity is None:
            entity = self._entities[lineage] = mix(self.address, lineage)
        return entity

    def lineage_of_copy(self, message: Message) -> int:
        """Return the address of the draws about one more copy of a message for this consumer."""
        number = self._copies_of.get(message.message_id, 0) + 1
        self._copies_of[message.message_id] = number
        return message.lineage if number == 1 else mix(message.lineage, number)

    def urgency(self, delivery: Delivery) -> int:
        """Return the priority of a delivery, among those of the subscription."""
        return min(delivery.message.priority, self._most_urgent)

    def memory(self) -> Deduplicator | None:
        """Return the deduplicator for a new session: shared, its own, or none."""
        if self._dedup_scope == DedupScope.INSTANCE:
            return self._new_memory()
        return self._shared_memory

    def _new_memory(self) -> Deduplicator | None:
        row = self.model.plan.consumers
        if row.dedup_scope[self.index] == DedupScope.NONE:
            return None
        return Deduplicator(
            window_ns=int(row.dedup_window_ns[self.index]),
            count=int(row.dedup_count[self.index]),
            lookup_ns=int(row.dedup_lookup_ns[self.index]),
        )
