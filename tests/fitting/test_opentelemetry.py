"""Spans of OpenTelemetry: each way to tie a handling to its message, and every fault."""

import json

import numpy as np
import pytest

import eda_sim as es
from eda_sim.fitting.logs import read_log

START = 1_700_000_000_000_000_000
TRACE = "5b8efff798038103d269b633813fc60c"


def attributes(**values):
    return [
        {"key": key.replace("__", "."), "value": {"stringValue": value}}
        for key, value in values.items()
        if value is not None
    ]


def span(number, kind, start, end, operation=None, *, destination="orders", **more):
    """A span as OTLP in JSON writes it: hexadecimal ids, times as texts, kinds as numbers."""
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "name": f"{operation} {destination}",
        "kind": kind,
        "startTimeUnixNano": str(START + start),
        "endTimeUnixNano": str(START + end),
        "attributes": attributes(
            messaging__system="kafka",
            messaging__destination__name=destination,
            messaging__operation__type=operation,
            messaging__consumer__group__name=more.pop("group", None),
        ),
        "status": {},
        **more,
    }


def to(number):
    return [{"traceId": TRACE, "spanId": f"{number:016x}", "attributes": []}]


def exported(spans, service="shop", instance=None):
    of = attributes(service__name=service, service__instance__id=instance)
    scope = {"scope": {"name": "kafka"}, "spans": spans}
    return {"resourceSpans": [{"resource": {"attributes": of}, "scopeSpans": [scope]}]}


def second(k):
    return k * 10**9


def sent(k, **more):
    return span(2 * k + 1, 4, second(k), second(k) + 1_000, "send", **more)


def processed(k, **more):
    more = {"links": to(2 * k + 1)} | more
    operation = more.pop("operation", "process")
    kind = more.pop("kind", 5)
    begin = second(k) + 250_000_000
    return span(2 * k + 2, kind, begin, begin + 500_000_000, operation, **more)


def written(tmp_path, objects, *, as_array=False):
    path = tmp_path / "spans.jsonl"
    lines = [json.dumps(each) for each in objects]
    path.write_text(json.dumps(objects) if as_array else "\n".join(lines) + "\n", "utf-8")
    return path


def check(log, size=12):
    assert log.created.tolist() == [float(k) for k in range(size)]
    assert log.started.tolist() == [k + 0.25 for k in range(size)]
    assert log.service.tolist() == [0.5] * size


@pytest.mark.parametrize("as_array", [False, True])
def test_links_tie_a_handling_to_its_message_in_either_kind_of_file(tmp_path, as_array):
    producers = exported([sent(k) for k in range(12)], "shop")
    consumers = exported([processed(k) for k in range(12)], "billing", "billing-1")
    # Nothing promises an order: a consumer's batch may come before that of the producer.
    log = read_log(written(tmp_path, [consumers, producers], as_array=as_array))
    check(log)
    assert log.remarks == ()
    assert set(log.instance) == {"billing-1"}


def test_one_object_in_a_file_is_read_too(tmp_path):
    path = tmp_path / "one.json"
    spans = [each for k in range(12) for each in (sent(k), processed(k))]
    path.write_text(json.dumps(exported(spans), indent=2), "utf-8")
    check(read_log(path))


def test_a_parent_ties_as_well_and_so_does_a_receive_span_with_the_link(tmp_path):
    spans = []
    for k in range(12):
        spans.append(sent(k))
        if k % 2:
            spans.append(processed(k, links=[], parentSpanId=f"{2 * k + 1:016X}"))
        else:
            receive = span(
                1_000 + k, 5, second(k), second(k) + 900_000_000, "receive", links=to(2 * k + 1)
            )
            inner = processed(k, links=[], parentSpanId=f"{1_000 + k:016x}", kind=1)
            spans += [receive, inner]
    check(read_log(written(tmp_path, [exported(spans)])))


def test_older_names_and_other_spellings_of_kinds_and_times(tmp_path):
    spans = []
    for k in range(12):
        producer, consumer = sent(k), processed(k)
        for each, kind, operation in (
            (producer, "SPAN_KIND_PRODUCER", "publish"),
            (consumer, "SPAN_KIND_CONSUMER", "deliver"),
        ):
            each["kind"] = kind
            each["startTimeUnixNano"] = int(each["startTimeUnixNano"])
            each["attributes"] = attributes(
                messaging__operation=operation, messaging__destination="orders"
            )
        spans += [producer, consumer]
    check(read_log(written(tmp_path, [exported(spans)])))


def test_a_consumer_span_without_an_operation_is_a_handling(tmp_path):
    spans = [each for k in range(12) for each in (sent(k), processed(k, operation=None))]
    check(read_log(written(tmp_path, [exported(spans)])))


def test_what_is_no_handling_of_one_message_is_left_out_and_said(tmp_path):
    spans = [each for k in range(12) for each in (sent(k), processed(k))]
    batch = processed(20, links=to(1) + to(3))
    lost = processed(21, links=to(999))
    again = processed(22, links=to(5), status={"code": 2})
    failed = processed(3, status={"code": 2})
    other = span(77, 3, second(1), second(2), "settle")
    spans = [each for each in spans if each["spanId"] != failed["spanId"]]
    log = read_log(written(tmp_path, [exported([*spans, batch, lost, again, failed, other])]))
    check(log)
    assert log.remarks == (
        "1 messages failed: taken as if they had not",
        "1 messages were handled again: only the first time counts",
        "1 spans handle several messages together: left out",
        "1 spans lead to no producer span in the file: left out",
    )


def test_several_channels_or_consumers_have_to_be_chosen_from(tmp_path):
    spans = []
    for k in range(12):
        spans += [sent(k), processed(k, group="billing")]
        late = processed(k, group="mail")
        late |= {"spanId": f"{5_000 + k:016x}"}
        spans.append(late)
    for k in range(100, 112):
        spans += [sent(k, destination="mails"), processed(k, destination="mails", group="mail")]
    path = written(tmp_path, [exported(spans)])
    with pytest.raises(es.FitError, match=r"several channels; choose channel= one of mails, ord"):
        read_log(path)
    with pytest.raises(es.FitError, match=r"several consumers; choose consumer= one of billing, "):
        read_log(path, channel="orders")
    with pytest.raises(es.FitError, match=r"no consumer 'bill'; there are billing, mail"):
        read_log(path, channel="orders", consumer="bill")
    check(read_log(path, channel="orders", consumer="billing"))
    assert len(read_log(path, channel="mails")) == 12


def change(index, **fields):
    spans = [each for k in range(12) for each in (sent(k), processed(k))]
    spans[index] |= fields
    return [exported(spans)]


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (change(1, endTimeUnixNano=str(START - 1)), "span 0000000000000002 ends 250000001 ns bef"),
        (change(1, startTimeUnixNano="noon"), "startTimeUnixNano 'noon' is no whole number"),
        (change(1, startTimeUnixNano=None), "a span has no 'startTimeUnixNano'"),
        (change(0, traceId=""), "a span has no 'traceId'"),
        ([{"resourceLogs": []}], "no list 'resourceSpans'; only traces in OTLP JSON can be read"),
        ([[1]], "no list 'resourceSpans'"),
        (
            [exported([sent(k) for k in range(12)])],
            "no message was handled: 12 spans, 12 of kind p",
        ),
        ([exported([processed(1)])], "1 spans lead to no producer span in the file"),
        ([exported([sent(1), processed(1)])], "1 rows are too few to fit"),
    ],
)
def test_a_fault_in_a_file_of_spans_is_one_line(tmp_path, objects, message):
    with pytest.raises(es.FitError) as caught:
        read_log(written(tmp_path, objects))
    assert message in str(caught.value)
    assert str(caught.value).startswith("spans.jsonl")


def test_what_is_not_json_says_where(tmp_path):
    path = tmp_path / "spans.json"
    for content, message in (
        (b"", "spans.json: empty"),
        (b'{"resourceSpans": []}\n{"resource\n', "spans.json:2: not JSON: "),
        (b"\xff\xfe", "spans.json: not UTF-8 text"),
    ):
        path.write_bytes(content)
        with pytest.raises(es.FitError) as caught:
            read_log(path)
        assert str(caught.value).startswith(message)


def test_spans_of_a_run_give_the_scenario_of_its_log(tmp_path):
    rng = np.random.default_rng(3)
    created = np.sort(rng.integers(0, second(2_000), size=2_000))
    spans, free = [], 0
    for k, moment in enumerate(created.tolist()):
        begin = max(moment, free)
        free = begin + int(rng.exponential(0.5) * 1e9)
        spans.append(span(2 * k + 1, 4, moment, moment + 10, "create"))
        spans.append(span(2 * k + 2, 5, begin, free, "process", links=to(2 * k + 1)))
    fit = es.fit(written(tmp_path, [exported(spans)]), resamples=0)
    assert fit.arrivals.arrivals.type == "poisson"
    assert fit.service.chosen == "exponential"
    assert fit.scenario.consumers["workers"].instances == 1
