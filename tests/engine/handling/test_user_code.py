"""Handlers and processes of the user's."""

import functools

import pytest

import eda_sim as es
from eda_sim.engine.execute import execute
from eda_sim.engine.trace import Outcome
from eda_sim.engine.user import Failure, HandlerError
from tests.engine.worlds import SECOND, at, copies, count, deliveries, messages, seconds, world


def chain(**consumer):
    """``source -> queue -> server -> results -> reader``."""
    scenario = {
        "name": "chain",
        "seed": 1,
        "duration": 30,
        "producers": {"source": {"to": "queue", "arrivals": at(1, 2, 3)}},
        "channels": {"queue": {}, "results": {}},
        "consumers": {
            "server": {"reads": "queue", "service": "500ms", **consumer},
            "reader": {"reads": "results", "service": "0s"},
        },
    }
    return es.Scenario.model_validate(scenario)


@pytest.mark.rule("H14")
def test_a_plain_handler_is_called_at_the_moment_of_the_effect():
    seen = []

    def handler(event, context):
        seen.append((event.sequence, event.attempt, context.now, event.created_at))
        context.emit("results", payload={"of": event.message_id}, key=7, size=50)

    trace = execute(chain(), handlers={"server": handler})
    assert seen == [(0, 1, 1.5, 1.0), (1, 1, 2.5, 2.0), (2, 1, 3.5, 3.0)]
    rows = messages(trace)
    emitted, orders = rows[rows["source"] == 1], rows[rows["source"] == 0].index.tolist()
    assert emitted["causation_id"].tolist() == emitted["correlation_id"].tolist() == orders
    assert (emitted["key"] == 7).all()
    assert (emitted["size_bytes"] == 50).all()
    assert len(deliveries(trace, "reader")) == 3


@pytest.mark.rule("H14")
def test_a_generator_takes_the_time_that_it_takes():
    def handler(event, context):
        yield context.timeout(0.1)
        yield context.timeout(2 * context.service_time())

    rows = deliveries(execute(chain(), handlers={"server": handler}))
    assert seconds(rows["started_at"]) == [1, 2.1, 3.2]
    assert seconds(rows["finished_at"]) == [2.1, 3.2, 4.3]


@pytest.mark.rule("H14")
def test_payloads_go_from_handler_to_handler():
    read = []

    def server(event, context):
        context.emit("results", payload=("paid", event.sequence))

    def reader(event, context):
        read.append(event.payload)

    execute(chain(), handlers={"server": server, "reader": reader})
    assert read == [("paid", 0), ("paid", 1), ("paid", 2)]


@pytest.mark.rule("H14")
@pytest.mark.parametrize("generator", [False, True])
def test_a_declared_failure_fails_the_attempt_and_is_retried(generator):
    attempts = []

    def plain(event, context):
        attempts.append(event.message_id)
        if attempts.count(event.message_id) < 3:
            raise Failure("not yet")

    def course(event, context):
        yield context.timeout(0.1)
        plain(event, context)

    scenario = chain(retry="fixed(100ms, max_attempts=5)")
    trace = execute(scenario, handlers={"server": course if generator else plain})
    rows = deliveries(trace)
    assert rows["tries"].tolist() == [3, 3, 3]
    assert (rows["outcome"] == Outcome.OK).all()


@pytest.mark.rule("H15")
@pytest.mark.parametrize("generator", [False, True])
def test_a_mistake_names_handler_event_and_time(generator):
    def plain(event, context):
        return {}["price"]

    def course(event, context):
        yield context.timeout(0.5)
        return {}["price"]

    with pytest.raises(HandlerError) as caught:
        execute(chain(), handlers={"server": course if generator else plain})
    assert str(caught.value) == (
        "handler of server, message 0 (source -> queue), attempt 1, at 1.5 s: KeyError: 'price'"
    )


@pytest.mark.rule("H15")
def test_a_mistake_in_a_process_names_the_process_and_the_time():
    def client(context):
        yield context.timeout(2.5)
        raise ValueError("no such thing")

    with pytest.raises(
        HandlerError, match=r"^process client, at 2.5 s: ValueError: no such thing$"
    ):
        execute(chain(), processes=[client])


@pytest.mark.rule("H15")
def test_a_handler_that_fails_for_ever_at_one_moment_ends_the_run():
    def handler(event, context):
        if event.message_id < 0:
            yield context.timeout(1)
        raise Failure

    with pytest.raises(HandlerError, match="at 1 s: it fails again and again without taking time"):
        execute(chain(on_exhausted="release"), handlers={"server": handler})


@pytest.mark.rule("H15")
def test_the_line_of_the_user_is_in_the_traceback():
    def handler(event, context):
        raise RuntimeError("mine")

    with pytest.raises(HandlerError) as caught:
        execute(chain(), handlers={"server": handler})
    error, lines = caught.value, []
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            lines.append(trace.tb_frame.f_code.co_name)
            trace = trace.tb_next
        error = error.__cause__
    assert "handler" in lines


@pytest.mark.rule("H14")
def test_a_handler_that_runs_too_long_is_stopped_and_cleans_up():
    cleaned = []

    def handler(event, context):
        try:
            yield context.timeout(10 if event.message_id == 1 else 0.2)
        finally:
            cleaned.append(context.now)

    rows = deliveries(execute(chain(timeout="1s"), handlers={"server": handler}))
    assert rows["outcome"].tolist() == [Outcome.OK, Outcome.DEAD, Outcome.OK]
    assert seconds(rows["finished_at"]) == [1.2, 3.0, 3.2]
    assert cleaned == [1.2, 3.0, 3.2]


@pytest.mark.rule("H14")
def test_done_at_the_very_moment_of_the_timeout_is_done():
    def handler(event, context):
        yield context.timeout(1.0)

    rows = deliveries(execute(chain(timeout="1s"), handlers={"server": handler}))
    assert (rows["outcome"] == Outcome.OK).all()


@pytest.mark.rule("H16")
def test_state_survives_a_crash_and_memory_does_not():
    counted = []

    def handler(event, context):
        for kept in (context.state, context.memory):
            kept["n"] = kept.get("n", 0) + 1
        counted.append((context.state["n"], context.memory["n"]))

    scenario = chain().replace({"faults": [{"crash": "server/0", "at": 2.7, "lasts": 0.1}]})
    execute(scenario, handlers={"server": handler})
    assert counted == [(1, 1), (2, 2), (3, 1)]


@pytest.mark.rule("H14")
def test_a_crash_ends_a_generator_and_the_message_is_handled_again():
    finished = []

    def handler(event, context):
        yield context.timeout(1.0)
        finished.append(event.attempt)

    scenario = chain().replace({"faults": [{"crash": "server/0", "at": 1.5, "lasts": 0.1}]})
    trace = execute(scenario, handlers={"server": handler})
    assert finished == [2, 1, 1]
    assert deliveries(trace)["outcome"].tolist()[0] == Outcome.CRASHED


@pytest.mark.rule("H16")
def test_user_code_is_deterministic_and_its_draws_do_not_depend_on_order():
    def handler(event, context):
        drawn[event.sequence] = (
            context.uniform("coin"),
            context.uniform("coin"),
            context.sample("exponential(20ms)", "pause"),
        )

    results, digests = [], []
    for instances in (1, 1, 5):
        drawn = {}
        scenario = world(
            seed=3,
            messages=50,
            drain=True,
            producer={"rate": "100/s"},
            consumer={"service": "exponential(10ms)", "instances": instances},
        )
        digests.append(execute(scenario, handlers={"server": handler}).digest())
        results.append(drawn)
    assert results[0] == results[1] == results[2]
    assert digests[0] == digests[1] != digests[2]
    coins = [draw[0] for draw in results[0].values()]
    assert len(set(coins)) == 50
    assert all(first != second for first, second, _ in results[0].values())


@pytest.mark.rule("H14")
def test_a_handler_that_does_nothing_changes_nothing():
    scenario = world(
        seed=4,
        messages=200,
        drain=True,
        producer={"rate": "100/s"},
        consumer={
            "service": "exponential(10ms)",
            "instances": 2,
            "dedup": {"count": 10},
            "error_probability": 0.1,
        },
        faults=[{"crash": "server/0", "at": 0.5, "lasts": 0.1}],
    )
    plain = execute(scenario).digest()
    assert execute(scenario, handlers={"server": lambda event, context: None}).digest() == plain

    def as_long_as_it_would(event, context):
        yield context.timeout(context.service_time())

    assert execute(scenario, handlers={"server": as_long_as_it_would}).digest() == plain


@pytest.mark.rule("H17")
def test_processes_publish_and_observe():
    lags = []

    def clerk(context):
        for number in range(3):
            context.publish("queue", payload=number, key=number)
        while True:
            lags.append((context.now, context.lag("server"), context.queue_length("server")))
            yield context.timeout(0.4)

    scenario = chain().replace({"duration": "2s"})
    trace = execute(scenario, processes=[clerk])
    assert lags == [(0.0, 3, 2), (0.4, 3, 2), (0.8, 2, 1), (1.2, 2, 1), (1.6, 1, 0)]
    rows = messages(trace)
    assert trace.names.sources == ("source", "server", "reader", "clerk")
    assert rows["source"].tolist() == [3, 3, 3, 0]
    assert rows["correlation_id"].tolist() == [0, 1, 2, 3]


@pytest.mark.rule("H17")
def test_processes_of_one_name_are_numbered():
    def client(context, pause):
        yield context.timeout(pause)
        context.publish("queue")

    first = functools.partial(client, pause=0.1)
    second = functools.partial(client, pause=0.2)
    trace = execute(chain(), processes=[first, second])
    assert trace.names.sources[-2:] == ("process", "process-2")


@pytest.mark.rule("H17")
def test_unknown_names_are_named():
    with pytest.raises(ValueError, match="no consumer 'sever'; did you mean 'server'"):
        execute(chain(), handlers={"sever": lambda event, context: None})

    def process(context):
        context.publish("quue")
        yield context.timeout(1)

    with pytest.raises(HandlerError, match="no channel 'quue'; did you mean 'queue'"):
        execute(chain(), processes=[process])


LEASE = {"lease_scope": "partition", "lease_timeout": "10s"}


@pytest.mark.rule("H14")
@pytest.mark.parametrize(
    "consumer",
    [
        {"subscription": LEASE},
        {"subscription": LEASE, "batch_max_messages": 10},
        {"subscription": {"fetch_max_messages": 10}, "batch_max_messages": 10},
    ],
    ids=["partition", "partition in batches", "queue in batches"],
)
def test_handlers_work_in_partitions_and_batches(consumer):
    seen = []

    def handler(event, context):
        seen.append(event.message_id)
        if event.message_id == 2:
            raise Failure

    trace = execute(
        world(
            duration=5,
            producer={"arrivals": at(1, 1, 1, 1)},
            consumer={"service": "100ms", **consumer},
        ),
        handlers={"server": handler},
    )
    assert seen == [0, 1, 2, 3]
    assert deliveries(trace)["effect"].tolist() == [1, 1, 0, 1]
    assert (copies(trace)["settled_at"] > SECOND).all()


def up(trace):
    """Return the second -> instances of the server that are up."""
    return dict(
        zip((trace.series["time"] // SECOND).tolist(), trace.series["up"].tolist(), strict=True)
    )


@pytest.mark.rule("H24")
@pytest.mark.parametrize(
    "subscription", [{}, {**LEASE, "fetch_max_messages": 5}], ids=["queue", "partition"]
)
def test_a_process_scales_a_consumer_within_the_scenario(subscription):
    def autoscaler(context):
        context.scale("server", 1)
        yield context.timeout(10)
        context.scale("server", 4)
        yield context.timeout(10)
        context.scale("server", 2)
        context.state["up"] = context.instances("server")

    trace = execute(
        world(
            seed=1,
            duration=30,
            drain=True,
            sample_every=1,
            producer={"rate": "20/s", "key": "uniform(n=100)"},
            channel={"partitions": 4},
            consumer={
                "service": "exponential(100ms)",
                "instances": 4,
                "subscription": {**subscription},
            },
        ),
        processes=[autoscaler],
    )
    instances = up(trace)
    assert [instances[second] for second in (5, 15, 25)] == [1, 4, 2]
    rows = deliveries(trace)
    assert count(trace).once == len(messages(trace))
    assert (rows["outcome"] != Outcome.CRASHED).all()  # nobody was interrupted
    began = rows[(rows["started_at"] >= 0) & (rows["started_at"] < 10 * SECOND)]
    assert set(began["instance"]) == {0}
    assert set(rows["instance"][rows["effect"] == 1]) == {0, 1, 2, 3}
    faults = trace.faults
    kinds = [trace.names.fault_kinds[kind] for kind in faults["kind"]]
    assert kinds == ["stop"] * 5
    assert faults["instance"].tolist() == [1, 2, 3, 2, 3]
    assert faults["occurrence"].tolist() == [0, 0, 0, 1, 1]


@pytest.mark.rule("H24")
def test_an_autoscaler_keeps_up_with_a_load_that_doubles():
    def autoscaler(context):
        context.scale("server", 2)
        while True:
            yield context.timeout(5)
            if context.queue_length("server") > 20 and context.instances("server") < 8:
                context.scale("server", context.instances("server") + 2)

    scenario = world(
        seed=2,
        duration=120,
        producer={"rate": "40/s"},
        consumer={"service": "100ms", "instances": 8},
    )
    scaled = execute(scenario, processes=[autoscaler])
    fixed = execute(scenario.replace({"consumers.server.instances": 2}))
    waiting = [int((copies(trace)["settled_at"] == -1).sum()) for trace in (scaled, fixed)]
    assert waiting[0] < 50
    assert waiting[1] > 1000


@pytest.mark.rule("H24")
def test_there_are_no_more_instances_than_the_scenario_has():
    def process(context):
        yield context.timeout(1)
        context.scale("server", 2)

    with pytest.raises(HandlerError, match="2 is not valid: the scenario has 1"):
        execute(chain(), processes=[process])


@pytest.mark.rule("H14", "H17")
def test_the_door_passes_python_on_and_a_saved_run_forgets_it(tmp_path):
    def handler(event, context):
        if event.sequence == 1:
            raise es.Failure("not this one")

    def clerk(context):
        yield context.timeout(4)
        context.publish("queue")

    run = es.run(chain(), handlers={"server": handler}, processes=[clerk])
    assert run.guarantee().set_index("consumer").loc["server", ["messages", "lost"]].tolist() == [
        4,
        1,
    ]
    assert run.messages["source"].tolist() == ["source"] * 3 + ["clerk"]
    run.save(tmp_path / "run")
    assert es.Run.load(tmp_path / "run").digest() == run.digest()
