"""Clusters: the nodes of a channel, which go down and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.lineage import mix
from eda_sim.engine.ranks import Rank
from eda_sim.engine.streams.addresses import Stream

if TYPE_CHECKING:
    from eda_sim.engine.reference.channels import Channel


class Cluster:
    """The nodes of one channel: which are up, and how failures are noticed."""

    def __init__(self, channel: Channel) -> None:
        model = channel.model
        row, index = model.plan.replication, channel.index
        self.channel = channel
        self.model = model
        self.factor = int(row.factor[index])
        self.detection = model.draws(row.failure_detection[index], Stream.DETECTION)
        self.down = [0] * self.factor
        self.is_known_down = [False] * self.factor
        self.crashes = [0] * self.factor
        self.address = int(model.plan.channels.rows.address[index])

    def go_down(self, node: int, *, power_loss: bool) -> None:
        """Take a node down; downs nest, and every power loss counts."""
        self.down[node] += 1
        replicas = [partition.replicas for partition in self.channel.partitions]
        for replica in replicas:
            if replica is not None and power_loss:
                replica.lose_unflushed(node)
        if self.down[node] > 1:
            return
        crash = self.crashes[node]
        self.crashes[node] = crash + 1
        for replica in replicas:
            if replica is not None:
                replica.lose_node(node)
        clock = self.model.clock
        noticed_in_ns = self.detection.single_ns(mix(self.address, node), crash, 1)
        clock.call_at(
            lambda: self._notice(node, crash),
            clock.now + noticed_in_ns,
            Rank.FAILURE_DETECTION,
            self.channel.index,
            node,
            crash,
        )

    def come_up(self, node: int) -> None:
        """End one reason for a node to be down; after the last it works again."""
        self.down[node] -= 1
        if self.down[node]:
            return
        self.is_known_down[node] = False
        for partition in self.channel.partitions:
            if partition.replicas is not None:
                partition.replicas.regain_node(node)

    def is_up(self, node: int) -> bool:
        """Return whether a node works."""
        return not self.down[node]

    def _notice(self, node: int, crash: int) -> None:
        """Let everybody know that a node is down, if it still is, from the same crash."""
        if self.is_up(node) or self.crashes[node] != crash + 1:
            return
        self.is_known_down[node] = True
        for partition in self.channel.partitions:
            if partition.replicas is not None:
                partition.replicas.notice_loss(node)
