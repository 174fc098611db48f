"""Queues and groups against models of lists and dicts, one call after the other.

The real :class:`Queue` of a real :class:`Model` is driven without its producers and workers: the
machine offers copies, asks for them, settles them well or badly or too late, lets leases run out
and connections close, and after every step the two must agree about who holds what, what waits in
which order, how often it was handed over and what became of it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from eda_sim.engine.plan import make_plan
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Delivery, Entry
from eda_sim.engine.reference.members import GroupWorker
from eda_sim.engine.reference.simulation import _build
from eda_sim.engine.reference.users import UserCode
from eda_sim.engine.trace import CopyState, LeaseEnd
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND

LEASE_MS = 10
SESSIONS = st.integers(0, 1)
PICK = st.integers(0, 1_000)


class Client:
    """Stands for a session: it takes what it is sent, and does nothing of its own."""

    alive, silent, closing, silences = True, False, False, 0

    def __init__(self, consumer: Any, instance: int) -> None:
        self.consumer, self.instance, self.number = consumer, instance, 0

    def send(self, batch: Any, worker: Any) -> None:
        """Deliveries stand in the ledger; nobody handles them."""


class Worker:
    """Stands for an idle worker that asks."""

    def __init__(self, session: Client) -> None:
        self.session = session


class Asked:
    """Stands for a request."""

    overdue = False

    def __init__(self, session: Client) -> None:
        self.worker, self.answered = Worker(session), False


class QueueMachine(RuleBasedStateMachine):
    """One queue, two instances."""

    @initialize(
        push=st.booleans(),
        window=st.integers(1, 3),
        most=st.none() | st.integers(1, 3),
        late=st.sampled_from(("honoured", "refused")),
        hold=st.booleans(),
        position=st.sampled_from(("original", "head", "tail")),
        park=st.booleans(),
    )
    def build(self, push, window, most, late, hold, position, park):  # noqa: PLR0917
        self.push, self.window, self.most, self.position = push, window, most, position
        self.honours, self.holds = late == "honoured", hold
        self.given_up = CopyState.PARKED if park else CopyState.DEAD_LETTERED
        subscription = {
            "delivery": "push" if push else "pull",
            "lease_timeout": f"{LEASE_MS}ms",
            "late_acknowledgement": late,
            "on_disconnect": "hold" if hold else "release",
            "requeue_position": position,
            "max_deliveries": most,
            "max_outstanding" if push else "fetch_max_messages": window,
            **({"on_exhausted": "park"} if park else {"dead_letter": "letters"}),
        }
        consumer = {"service": "1s", "instances": 2, "subscription": subscription}
        plan = make_plan(
            Scenario.model_validate(
                {
                    "name": "machine",
                    "duration": "1h",
                    "producers": {"source": {"to": "queue", "rate": "1/s"}},
                    "channels": {"queue": {}, "letters": {}},
                    "consumers": {"server": {"reads": "queue", **consumer}},
                }
            )
        )
        self.model = _build(plan, UserCode(plan.names, {}, {}))
        (self.queue,) = self.model.consumers[0].queues
        self.clients = [Client(self.queue.consumer, number) for number in range(2)]
        # The model: numbers of copies, in the order in which they will be handed over.
        self.waiting: list[int] = []
        self.returned_to_head: list[int] = []
        self.places: dict[int, int] = {}
        self.states: dict[int, CopyState] = {}
        self.attempts: dict[int, int] = {}
        self.leases: dict[int, tuple[int, int, int]] = {}  # copy -> (attempt, client, deadline)
        self.held: dict[int, list[int]] = {}
        self.round: list[int] = []
        self.requests: list[int] = []
        self.entries: dict[int, Entry] = {}
        self.next_place = 0
        self.now = 0

    # The model ----------------------------------------------------------------------------------

    def line(self) -> list[int]:
        by_place = sorted(self.waiting, key=self.places.__getitem__)
        return self.returned_to_head + by_place

    def take(self, client: int) -> None:
        copy = self.line()[0]
        (self.returned_to_head if copy in self.returned_to_head else self.waiting).remove(copy)
        self.attempts[copy] += 1
        self.states[copy] = CopyState.ACQUIRED
        self.leases[copy] = (self.attempts[copy], client, self.now + LEASE_MS)
        self.held[client].append(copy)

    def hand_out(self) -> None:
        if self.push:
            able = [client for client in self.round if len(self.held[client]) < self.window]
            while self.line() and able:
                client = able[0]
                self.round.remove(client)
                self.take(client)
                self.round.append(client)
                able = [one for one in self.round if len(self.held[one]) < self.window]
            return
        while self.line() and self.requests:
            client = self.requests.pop(0)
            for _ in range(min(self.window, len(self.line()))):
                self.take(client)

    def end(self, copy: int) -> None:
        _, client, _ = self.leases.pop(copy)
        if copy in self.held.get(client, ()):
            if self.push and len(self.held[client]) == self.window:
                self.round.remove(client)  # it had no credit: now it joins the end of the round
                self.round.append(client)
            self.held[client].remove(copy)

    def come_back(self, copy: int) -> None:
        self.end(copy)
        if self.most is not None and self.attempts[copy] >= self.most:
            self.states[copy] = self.given_up
            return
        self.states[copy] = CopyState.AVAILABLE
        if self.position == "head":
            self.returned_to_head.append(copy)
            return
        if self.position == "tail":
            self.places[copy] = self.next_place
            self.next_place += 1
        self.waiting.append(copy)

    # Steps --------------------------------------------------------------------------------------

    @rule()
    def offer(self):
        model, copy = self.model, len(self.entries)
        message = model.create(0, self.queue.channel, copy, -1, 1, 0, 0)
        message.partition = 0
        now, channel = model.clock.now, self.queue.channel
        entry = Entry(message, model.ledger.new_copy(), 0, copy, now, channel, 0)
        model.ledger.entries.append(entry)
        model.open += 1
        self.queue.offer(entry)
        self.entries[copy] = entry
        self.places[copy] = self.next_place
        self.next_place += 1
        self.attempts[copy], self.states[copy] = 0, CopyState.AVAILABLE
        self.waiting.append(copy)
        self.hand_out()

    @rule(client=SESSIONS)
    def connect(self, client):
        if client in self.held:
            return
        self.clients[client] = Client(self.queue.consumer, client)
        self.queue.connect(self.clients[client])
        self.held[client] = []
        self.round.append(client)
        self.hand_out()

    @precondition(lambda self: not self.push and self.held)
    @rule(pick=PICK)
    def request(self, pick):
        client = sorted(self.held)[pick % len(self.held)]
        self.queue.dispatcher.request(Asked(self.clients[client]))
        self.requests.append(client)
        self.hand_out()

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def disconnect(self, pick):
        client = sorted(self.held)[pick % len(self.held)]
        self.queue.disconnect(self.clients[client])
        copies = self.held.pop(client)
        self.round.remove(client)
        self.requests = [one for one in self.requests if one != client]
        if not self.holds:
            for copy in copies:
                self.come_back(copy)
        self.hand_out()

    @precondition(lambda self: self.model.ledger.deliveries)
    @rule(pick=PICK, how=st.sampled_from(("settle", "settle", "release", "reject")))
    def answer(self, pick, how):
        """Of any delivery, also one whose lease is over."""
        delivery = self.model.ledger.deliveries[pick % len(self.model.ledger.deliveries)]
        getattr(self.queue, how)(delivery)
        copy = self.copy_of(delivery)
        is_held = self.leases.get(copy, (0,))[0] == delivery.attempt
        if how == "settle":
            is_open = self.states[copy] in (CopyState.AVAILABLE, CopyState.ACQUIRED)
            if is_held or (self.honours and is_open):
                if copy in self.leases:
                    self.end(copy)
                for line in (self.waiting, self.returned_to_head):
                    if copy in line:
                        line.remove(copy)
                self.states[copy] = CopyState.ACKNOWLEDGED
        elif is_held and how == "release":
            self.come_back(copy)
        elif is_held:
            self.end(copy)
            self.states[copy] = self.given_up
        self.hand_out()

    @rule(milliseconds=st.sampled_from((1, 5, 10, 20)))
    def let_time_pass(self, milliseconds):
        until = self.now + milliseconds
        while True:
            due = [lease for lease in self.leases.items() if lease[1][2] <= until]
            if not due:
                break
            # At one moment by the rank table: the older copy first.
            copy, (_, _, self.now) = min(due, key=lambda lease: (lease[1][2], lease[0]))
            self.come_back(copy)
            self.hand_out()
        self.now = until
        clock = self.model.clock
        moment = clock.at(until * MILLISECOND, Rank(max(Rank)), 0)
        clock.environment.run(until=moment)

    # What must agree ----------------------------------------------------------------------------

    def copy_of(self, delivery: Delivery) -> int:
        return next(copy for copy, entry in self.entries.items() if entry is delivery.entry)

    @invariant()
    def copies_agree(self):
        for copy, entry in self.entries.items():
            assert entry.state == self.states[copy], f"copy {copy}"
            assert entry.deliveries == self.attempts[copy], f"copy {copy}"
            holder = self.leases.get(copy)
            assert (entry.holder is None) == (holder is None), f"copy {copy}"
            if holder is not None:
                attempt, client, deadline = holder
                assert (entry.holder.attempt, entry.holder.instance) == (attempt, client)
                assert entry.holder.deadline == deadline * MILLISECOND

    @invariant()
    def counters_agree(self):
        assert self.queue.available == len(self.line())
        assert self.queue.acquired == len(self.leases)
        assert self.queue.scheduled == 0
        first = self.queue.line.first()
        assert (self.entries[self.line()[0]] if self.line() else None) is first

    @invariant()
    def ends_agree(self):
        for delivery in self.model.ledger.deliveries:
            holds = delivery.entry.holder is delivery
            assert holds == (delivery.lease_end == LeaseEnd.NONE)
            if delivery.settled_at >= 0:
                assert delivery.entry.state == CopyState.ACKNOWLEDGED


class Member(GroupWorker):
    """Stands for a worker of a group: it keeps what it is sent and what it is asked."""

    def __init__(self, machine: GroupMachine, client: Client, place: int) -> None:
        self.machine, self.session, self.number, self.place = machine, client, 0, place
        self.readable: OrderedDict[Any, None] = OrderedDict()
        self.fetch_waits, self.fetches = False, 0

    def resume(self) -> None:
        """Go on."""

    def let_go(self, partition: Any) -> None:
        self.readable.pop(partition, None)


class GroupClient(Client):
    """A session with one member, which hands what it is sent to the machine."""

    def __init__(self, machine: GroupMachine, instance: int, number: int) -> None:
        super().__init__(None, instance)
        self.machine, self.number = machine, number
        self.started_at = machine.model.clock.now
        self.member = Member(machine, self, instance)
        self.workers = [self.member]

    def send(self, batch: Any, worker: Any) -> None:
        self.machine.sent(self.member, batch)


class GroupMachine(RuleBasedStateMachine):
    """One group over three partitions; partitions move as fast as members let them go."""

    most, timeout_ms = 2, 20

    @initialize()
    def build(self):
        subscription = {
            "lease_scope": "partition",
            "fetch_max_messages": self.most,
            "heartbeat_interval": "5ms",
            "lease_timeout": f"{self.timeout_ms}ms",
            "static_membership": False,
        }
        plan = make_plan(
            Scenario.model_validate(
                {
                    "name": "machine",
                    "duration": "1h",
                    "producers": {"source": {"to": "log", "rate": "1/s"}},
                    "channels": {"log": {"partitions": 3}},
                    "consumers": {
                        "server": {"reads": "log", "service": "1s", "subscription": subscription}
                    },
                }
            )
        )
        self.model = _build(plan, UserCode(plan.names, {}, {}))
        self.group = self.model.consumers[0].group
        (self.topic,) = self.group.topics
        self.sessions = 0
        # The model: members in their order, and per partition its log and who is where in it.
        self.members: dict[tuple[int, int], Member] = {}
        self.owner: list[Member | None] = [None] * 3
        self.target: list[Member | None] = [None] * 3
        self.log: list[list[Entry]] = [[], [], []]
        self.position, self.committed = [0, 0, 0], [0, 0, 0]
        self.fetching: set[Member] = set()
        self.gone: list[Member] = []

    # The model ----------------------------------------------------------------------------------

    def sent(self, member: Member, batch: Any) -> None:
        """Hold what the group sends to the model: the next in line, to the owner that asked."""
        assert member in self.fetching
        assert 1 <= len(batch) <= self.most
        self.fetching.remove(member)
        for delivery in batch:
            number = delivery.entry.partition
            assert self.owner[number] is member is self.target[number]
            assert delivery.entry is self.log[number][self.position[number]]
            self.position[number] += 1

    def rebalance(self) -> None:
        """Assign in ranges; what has no living owner moves at once."""
        ordered = [self.members[name] for name in sorted(self.members)]
        for number in range(3):
            share, extra = divmod(3, len(ordered)) if ordered else (0, 0)
            sizes = [share + (place < extra) for place in range(len(ordered))]
            owners = [one for one, size in zip(ordered, sizes, strict=True) for _ in range(size)]
            self.target[number] = owners[number] if owners else None
            if self.owner[number] not in ordered:
                self.move(number)

    def move(self, number: int) -> None:
        self.owner[number] = self.target[number]
        self.position[number] = self.committed[number]

    def leaves(self, member: Member) -> None:
        del self.members[member.session.instance, member.session.number]
        self.gone.append(member)
        self.rebalance()

    # Steps --------------------------------------------------------------------------------------

    def any_member(self, pick: int) -> Member:
        return self.members[sorted(self.members)[pick % len(self.members)]]

    @rule(number=st.integers(0, 2))
    def offer(self, number):
        model, offset = self.model, len(self.log[number])
        message = model.create(0, 0, offset, -1, 1, 0, 0)
        message.partition = number
        now, copy = model.clock.now, model.ledger.new_copy()
        entry = Entry(message, copy, 0, offset, now, 0, number)
        model.open += 1
        self.log[number].append(entry)
        self.topic.offer(entry)

    @precondition(lambda self: len(self.members) < 4)
    @rule(instance=st.integers(0, 2))
    def join(self, instance):
        self.sessions += 1
        member = GroupClient(self, instance, self.sessions).member
        self.members[instance, self.sessions] = member
        self.rebalance()
        self.group.admit([member])

    @precondition(lambda self: self.members)
    @rule(pick=PICK)
    def leave(self, pick):
        member = self.any_member(pick)
        self.leaves(member)
        self.group.remove([member])

    @precondition(lambda self: self.members)
    @rule(pick=PICK)
    def fetch(self, pick):
        member = self.any_member(pick)
        self.fetching.add(member)
        self.group.fetch(member)

    @precondition(lambda self: self.members)
    @rule(pick=PICK)
    def give_up(self, pick):
        """Let go, at a poll, of all that shall move."""
        member = self.any_member(pick)
        moved = [i for i in range(3) if self.owner[i] is member is not self.target[i]]
        for number in moved:
            self.move(number)
        self.group.give_up(member, [self.topic.partitions[number] for number in moved])

    @precondition(lambda self: self.members or self.gone)
    @rule(pick=PICK, number=st.integers(0, 2), back=st.integers(0, 3))
    def commit(self, pick, number, back):
        """Of any member, also one that is none any more, or does not own the partition."""
        everybody = [*self.members.values(), *self.gone]
        member = everybody[pick % len(everybody)]
        offset = max(0, self.position[number] - back)
        self.group.commit(member, {self.topic.partitions[number]: offset})
        if self.owner[number] is member and member in self.members.values():
            self.committed[number] = max(self.committed[number], offset)

    @precondition(lambda self: any(self.log))
    @rule(pick=PICK, number=st.integers(0, 2))
    def truncate(self, pick, number):
        """Lose the end of a log, the last message first."""
        log = self.log[number]
        for _ in range(min(len(log), 1 + pick % 2)):
            entry = log.pop()
            self.position[number] = min(self.position[number], len(log))
            self.committed[number] = min(self.committed[number], len(log))
            self.topic.remove(entry, CopyState.TRUNCATED)

    @precondition(lambda self: self.members)
    @rule(pick=PICK)
    def time_out(self, pick):
        """Fall silent until the group notices: a time-out after the last heartbeat."""
        member = self.any_member(pick)
        session, clock = member.session, self.model.clock
        session.silent, session.silences = True, 1
        now = clock.now
        self.group.fell_silent(session)
        before = clock.at(now + (self.timeout_ms - 5) * MILLISECOND - 1, Rank(max(Rank)), 0)
        clock.environment.run(until=before)
        assert self.group.is_member(member)
        self.leaves(member)
        clock.environment.run(
            until=clock.at(now + self.timeout_ms * MILLISECOND, Rank(max(Rank)), 0)
        )
        assert not self.group.is_member(member)

    # What must agree ----------------------------------------------------------------------------

    @invariant()
    def partitions_agree(self):
        assert self.group.members == [self.members[name] for name in sorted(self.members)]
        for number, partition in enumerate(self.topic.partitions):
            assert partition.log == self.log[number]
            assert (partition.owner, partition.target) == (self.owner[number], self.target[number])
            assert partition.committed == self.committed[number]
            assert partition.position == self.position[number]

    @invariant()
    def states_agree(self):
        counts = Counter()
        for number in range(3):
            for offset, entry in enumerate(self.log[number]):
                expected = CopyState.AVAILABLE
                if offset < self.committed[number]:
                    expected = CopyState.ACKNOWLEDGED
                elif offset < self.position[number]:
                    expected = CopyState.ACQUIRED
                assert entry.state == expected, f"{number}/{offset}"
                counts[expected] += 1
        assert self.topic.available == counts[CopyState.AVAILABLE]
        assert self.topic.acquired == counts[CopyState.ACQUIRED]

    @invariant()
    def nobody_waits_for_what_is_there(self):
        for number in range(3):
            owner = self.owner[number]
            if owner in self.fetching and owner is self.target[number]:
                assert self.position[number] == len(self.log[number])


few = settings(max_examples=40, stateful_step_count=25, deadline=None, derandomize=True)
many = settings(max_examples=200, stateful_step_count=40, deadline=None, derandomize=True)

TestQueues = QueueMachine.TestCase
TestQueues.settings = few
TestGroups = GroupMachine.TestCase
TestGroups.settings = few


@pytest.mark.slow
class TestQueuesForLong(QueueMachine.TestCase):
    settings = many


@pytest.mark.slow
class TestGroupsForLong(GroupMachine.TestCase):
    settings = many
