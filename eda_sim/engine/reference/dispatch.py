"""Dispatch: which instance gets what is available.

``pull``: an idle worker asks, and is answered with up to so many messages. A request waits at the
broker, in a line with all others, until there is something for it, or until it has waited long
enough and gets an empty answer (a long poll). So the worker that is idle longest is served first.

``push``: the broker sends without being asked, one by one and round robin, to the instances that
have credit: an instance has it as long as it holds less than ``max_outstanding`` unsettled
deliveries. One that runs out of credit leaves the round and joins its end when it has credit again.

Which rule it is matters as soon as an instance may hold more than one message: those that wait
there cannot be handled by another instance that is idle.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE
from eda_sim.engine.ranks import Rank

if TYPE_CHECKING:
    from eda_sim.engine.reference.queues import Queue
    from eda_sim.engine.reference.sessions import Session
    from eda_sim.engine.reference.workers import QueueWorker


class Dispatcher:
    """What a queue asks of its dispatch rule."""

    longest_wait_ns = NONE
    poll_interval_ns = 0

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def request(self, request: Request) -> None:
        """Take in a worker's request."""
        message = f"nobody asks a queue that is not pulled: {request.worker}"
        raise NotImplementedError(message)

    def connect(self, session: Session) -> None:
        """Count on an instance that has just connected."""

    def disconnect(self, session: Session) -> None:
        """Count on an instance no longer."""

    def give_back_credit(self, session: Session) -> None:
        """Note that a connected instance holds one delivery less."""

    def dispatch(self) -> None:
        """Hand over what can be handed over now."""
        raise NotImplementedError


class Request:
    """An idle worker's request for messages; the first of its queues that has some answers it.

    Attributes
    ----------
    answered : bool
        It has got its answer, or nobody waits for one any more.
    overdue : bool
        It has waited long enough: any answer will do.
    """

    __slots__ = ("answered", "number", "overdue", "worker")

    def __init__(self, worker: QueueWorker, number: int) -> None:
        self.worker = worker
        self.number = number
        self.answered = False
        self.overdue = False

    def _queues(self) -> list[Queue]:
        """Return the queues in the order of asking: each request begins with the next one."""
        queues = self.worker.consumer.queues
        first = self.number % len(queues)
        return queues[first:] + queues[:first]

    def arrive(self) -> None:
        """Reach the broker; wait there for a while if no queue has anything."""
        queues = self._queues()
        for queue in queues:
            if not self.answered:
                queue.dispatcher.request(self)
        wait_ns = queues[0].dispatcher.longest_wait_ns
        if self.answered or wait_ns == NONE:
            return
        if wait_ns == 0:
            self._wait_is_over()
            return
        worker = self.worker
        clock = worker.model.clock
        clock.call_at(
            self._wait_is_over,
            clock.now + wait_ns,
            Rank.FETCH_WAIT,
            worker.consumer.index,
            worker.place,
            self.number,
        )

    def _wait_is_over(self) -> None:
        """Take little, or nothing, for an answer."""
        self.overdue = True
        for queue in self._queues():
            if not self.answered:
                queue.dispatcher.dispatch()
        if not self.answered:
            self.answered = True
            self.worker.session.send_nothing(self.worker, self.number)


class Pull(Dispatcher):
    """Requests are served in the order in which they reached the broker."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(queue)
        row = queue.model.plan.subscriptions
        self.longest_wait_ns = int(row.fetch_max_wait_ns[queue.index])
        self.poll_interval_ns = int(row.poll_interval_ns[queue.index])
        self._most = int(row.fetch_max_messages[queue.index])
        self._least = int(row.fetch_min_messages[queue.index])
        self._requests: deque[Request] = deque()

    def request(self, request: Request) -> None:
        """Take in a worker's request; it waits here until there is something to hand over."""
        if request.worker.session in self.queue.held and not request.worker.session.closing:
            self._requests.append(request)
            self.dispatch()
        else:
            request.answered = True

    def disconnect(self, session: Session) -> None:
        """Answer an instance no longer that is gone."""
        for request in self._requests:
            if request.worker.session is session:
                request.answered = True

    def dispatch(self) -> None:
        """Answer requests, one after the other, as long as there is something for them."""
        queue, requests = self.queue, self._requests
        while queue.available and requests:
            request = requests[0]
            if request.answered:
                requests.popleft()
                continue
            if queue.available < self._least and not request.overdue:
                return
            batch = queue.line.take(min(self._most, queue.room()))
            if not batch:
                return
            requests.popleft()
            request.answered = True
            queue.hand_over(batch, request.worker.session, request.worker)


class Push(Dispatcher):
    """One by one, round robin, to the instances that have credit."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(queue)
        row = queue.model.plan.subscriptions
        shared = row.outstanding_shared[queue.index]
        self._prefetch = NONE if shared else int(row.max_outstanding[queue.index])
        self._round: deque[Session] = deque()
        self._without_credit: set[Session] = set()

    def connect(self, session: Session) -> None:
        """Let an instance join the end of the round."""
        self._round.append(session)

    def disconnect(self, session: Session) -> None:
        """Let an instance leave the round."""
        if session in self._without_credit:
            self._without_credit.remove(session)
        elif session in self._round:  # it may have cancelled before
            self._round.remove(session)

    def give_back_credit(self, session: Session) -> None:
        """Let an instance that has credit again join the end of the round."""
        if session in self._without_credit:
            self._without_credit.remove(session)
            self._round.append(session)

    def dispatch(self) -> None:
        """Send one delivery after the other until nobody has credit, or nothing is left."""
        queue = self.queue
        while queue.available and self._round and queue.room() > 0:
            batch = queue.line.take(1)
            if not batch:
                return
            session = self._round.popleft()
            if self._prefetch != NONE and len(queue.held[session]) + 1 >= self._prefetch:
                self._without_credit.add(session)
            else:
                self._round.append(session)
            queue.hand_over(batch, session)
