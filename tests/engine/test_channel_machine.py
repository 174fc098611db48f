"""A channel against a model of lists, one request after the other.

A partition of a real :class:`Channel` is driven without producers and workers: the machine sends it
requests, new ones and second copies, settles what is in it, and lets time pass. After every step
the two must agree about what is stored at which offset, what was dropped, who was refused, and who
waits for room in which order.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from eda_sim.engine.plan import Acks, make_plan
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.requests import Request
from eda_sim.engine.reference.simulation import _build
from eda_sim.engine.reference.users import UserCode
from eda_sim.engine.trace import CopyState
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND

PICK = st.integers(0, 1_000)
SIZE = 10


class Sender:
    """Stands for a publisher: it writes down what becomes of its requests."""

    incarnation, acks = 0, int(Acks.ALL)

    def __init__(self) -> None:
        self.stored: list[Request] = []
        self.refused: list[Request] = []

    def reply(self, request: Request, *, stored: bool) -> None:
        assert stored
        self.stored.append(request)

    def refuse(self, request: Request) -> None:
        self.refused.append(request)


class ChannelMachine(RuleBasedStateMachine):
    """One partition with limits and a memory, and one reader that takes nothing."""

    @initialize(
        most=st.none() | st.integers(1, 4),
        most_bytes=st.none() | st.integers(1, 4).map(lambda count: count * SIZE),
        age_ms=st.none() | st.sampled_from((5, 20)),
        overflow=st.sampled_from(("drop_head", "reject_publish", "block")),
        retention=st.sampled_from(("limits", "work_queue")),
        remembers=st.integers(1, 4),
    )
    def build(self, most, most_bytes, age_ms, overflow, retention, remembers):  # noqa: PLR0917
        bounded = most is not None or most_bytes is not None
        self.most, self.most_bytes, self.age_ms = most, most_bytes, age_ms
        self.overflow = overflow if bounded else "drop_head"
        self.lets_go, self.remembers = retention == "work_queue", remembers
        channel = {
            "max_messages": most,
            "max_bytes": most_bytes,
            "max_age": None if age_ms is None else f"{age_ms}ms",
            "overflow": self.overflow,
            "retention": retention,
            "deduplication": {"by": "message_id", "size": remembers},
        }
        scenario = {
            "name": "machine",
            "duration": "1h",
            "producers": {"source": {"to": "store", "rate": "1/s"}},
            "channels": {"store": channel},
            "consumers": {"server": {"reads": "store", "service": "1s"}},
        }
        plan = make_plan(Scenario.model_validate(scenario))
        self.model = _build(plan, UserCode(plan.names, {}, {}))
        (self.channel,) = self.model.channels
        (self.partition,) = self.channel.partitions
        self.sender = Sender()
        self.requests: list[Request] = []
        self.now = 0
        # The model: for each copy (message, size, moment), which of them count, and their states.
        self.copies: list[tuple[int, int, int]] = []
        self.states: list[CopyState] = []
        self.kept: list[int] = []
        self.known: list[int] = []
        self.waiting: list[int] = []
        self.answered: list[int] = []
        self.refused: list[int] = []

    # The model ----------------------------------------------------------------------------------

    def has_room(self, request: int) -> bool:
        messages = self.requests[request].messages
        if not self.kept:
            return True
        if self.most is not None and len(self.kept) + len(messages) > self.most:
            return False
        size = sum(message.size_bytes for message in messages)
        return self.most_bytes is None or self.kept_bytes() + size <= self.most_bytes

    def kept_bytes(self) -> int:
        return sum(self.copies[copy][1] for copy in self.kept)

    def arrive(self, request: int) -> None:
        if self.overflow == "drop_head" or (not self.waiting and self.has_room(request)):
            self.store(request)
        elif self.overflow == "reject_publish":
            self.refused.append(request)
        else:
            self.waiting.append(request)

    def store(self, request: int) -> None:
        messages = self.requests[request].messages
        fresh = [message for message in messages if message.message_id not in self.known]
        for message in fresh:
            self.kept.append(len(self.copies))
            self.copies.append((message.message_id, message.size_bytes, self.now))
            self.states.append(CopyState.AVAILABLE)
            self.known = [*self.known, message.message_id][-self.remembers :]
        self.answered.append(request)
        while self.overflow == "drop_head" and self.kept and self.is_too_much():
            self.drop_oldest()

    def is_too_much(self) -> bool:
        too_many = self.most is not None and len(self.kept) > self.most
        return too_many or (self.most_bytes is not None and self.kept_bytes() > self.most_bytes)

    def drop_oldest(self) -> None:
        copy = self.kept.pop(0)
        if self.states[copy] == CopyState.AVAILABLE:
            self.states[copy] = CopyState.EXPIRED

    def let_in(self) -> None:
        while self.waiting and self.has_room(self.waiting[0]):
            self.store(self.waiting.pop(0))

    def run(self, until_ms: int) -> None:
        clock = self.model.clock
        moment = clock.at(until_ms * MILLISECOND, Rank(max(Rank)), 0)
        clock.environment.run(until=moment)

    # Steps --------------------------------------------------------------------------------------

    def send(self, messages) -> None:
        size = sum(message.size_bytes for message in messages)
        request = Request(self.sender, 0, tuple(messages), size)
        self.requests.append(request)
        self.model.open += 1
        self.partition.receive(request)
        self.arrive(len(self.requests) - 1)

    @rule(sizes=st.lists(st.sampled_from((1, SIZE, 2 * SIZE)), min_size=1, max_size=3))
    def publish(self, sizes):
        sequence = len(self.model.ledger.messages)
        self.send([self.model.create(0, 0, sequence, -1, size, 0, sequence) for size in sizes])

    @precondition(lambda self: self.requests)
    @rule(pick=PICK)
    def publish_again(self, pick):
        """Send an earlier request a second time, as a retry does."""
        self.send(self.requests[pick % len(self.requests)].messages)

    @precondition(lambda self: CopyState.AVAILABLE in self.states)
    @rule(pick=PICK)
    def settle(self, pick):
        """Let the only subscription be done with any copy that waits."""
        there = [copy for copy, state in enumerate(self.states) if state == CopyState.AVAILABLE]
        copy = there[pick % len(there)]
        (subscription,) = self.channel.subscriptions
        subscription.remove(self.model.ledger.entries[copy], CopyState.MOVED)
        self.states[copy] = CopyState.MOVED
        if self.lets_go and self.limits_something():
            self.kept.remove(copy)
        self.run(self.now)
        self.let_in()

    def limits_something(self) -> bool:
        return any(limit is not None for limit in (self.most, self.most_bytes, self.age_ms))

    @rule(milliseconds=st.sampled_from((1, 4, 5, 20)))
    def let_time_pass(self, milliseconds):
        until = self.now + milliseconds
        while self.age_ms is not None and self.kept:
            due = self.copies[self.kept[0]][2] + self.age_ms
            if due > until:
                break
            self.now = due
            while self.kept and self.copies[self.kept[0]][2] + self.age_ms <= due:
                self.drop_oldest()
            self.let_in()
        self.now = until
        self.run(until)

    # What must agree ----------------------------------------------------------------------------

    @invariant()
    def copies_agree(self):
        entries = self.model.ledger.entries
        assert [entry.message.message_id for entry in entries] == [copy[0] for copy in self.copies]
        assert [entry.offset for entry in entries] == list(range(len(self.copies)))
        assert [entry.stored_at // MILLISECOND for entry in entries] == [c[2] for c in self.copies]
        assert [entry.state for entry in entries] == self.states

    @invariant()
    def answers_agree(self):
        assert self.sender.stored == [self.requests[number] for number in self.answered]
        assert self.sender.refused == [self.requests[number] for number in self.refused]

    @invariant()
    def limits_agree(self):
        if self.limits_something():
            assert self.partition.limits.count == len(self.kept)
            assert self.partition.limits.size_bytes == self.kept_bytes()
            assert list(self.partition.limits._waiting) == [self.requests[n] for n in self.waiting]


TestChannels = ChannelMachine.TestCase
TestChannels.settings = settings(
    max_examples=200, stateful_step_count=30, deadline=None, derandomize=True
)
