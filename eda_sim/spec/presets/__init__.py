"""Presets: brokers as sets of defaults of one model.

A channel that says ``broker: kafka`` behaves as Kafka does unless the file says otherwise. The
preset gives defaults to the channel, to ``publishing`` of those who publish to it, and to the
``subscription`` of those who read it. Behind the preset there is nothing: no rule of a run depends
on the name of a broker, only on the fields that a preset sets.

Each default names the broker's own setting and where its value was read. Where a broker leaves
something open (how many replicas, how long an election takes on this network), the preset chooses
and says why: such defaults are marked ``chosen``.

:func:`eda_sim.spec.presets.catalogue.brokers` lists them; :mod:`eda_sim.spec.presets.merging` puts
them into scenarios, and takes them out again.
"""
