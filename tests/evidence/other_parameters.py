"""Models like those of the records, with other numbers: nothing may be tuned to the file."""

MM1 = {"arrival_rate": 3.0, "service_rate": 5.0}
MMC = {"arrival_rate": 5.0, "service_rate": 2.0, "servers": 3}
MMCK = {"arrival_rate": 4.0, "service_rate": 1.5, "servers": 3, "capacity": 7}
MDC = {"arrival_rate": 6.0, "service_time": 0.4, "servers": 3}
PATIENCE = {"arrival_rate": 6.0, "service_rate": 2.0, "servers": 3, "patience_rate": 1.0}
RETRIES = {"arrival_rate": 1.2, "service_rate": 3.0, "failure_probability": 0.4}
BULK = {"arrival_rate": 3.0, "batch_service_rate": 1.5, "largest_batch": 4}
CLASSES = {
    "arrival_rates": [0.5, 0.4, 0.6],
    "mean_services": [0.5, 0.5, 0.5],
    "service_scvs": [1, 1, 1],
    "preemptive": False,
}
POOL = {"arrival_rates": [1.0, 0.7], "service_rate": 1.0, "servers": 2}
MMPP = {"arrival_rates": [3.0, 0.5], "switch_rates": [0.5, 0.25], "service_rate": 2.5}
TANDEM = {"arrival_rate": 2.0, "service_rates": [5.0, 3.0, 4.0, 6.0]}
NETWORK = {
    "arrival_rates": [2.0, 0.5, 0, 0],
    "routing": [[0, 0.3, 0.2, 0.4], [0, 0, 0.5, 0.5], [0, 0, 0, 0.6], [0, 0, 0, 0]],
    "mean_services": [0.3, 0.4, 0.35, 0.25],
}
FEEDBACK = {
    "arrival_rates": [1.0, 0, 0.5],
    "routing": [[0.2, 0.5, 0], [0.3, 0, 0.4], [0.1, 0.25, 0.25]],
    "mean_services": [0.25, 0.3, 0.35],
}

OTHER_PARAMETERS = [
    ("mm1", "mean_sojourn", None, MM1),
    ("mm1", "mean_wait", None, MM1),
    ("mm1", "sojourn_quantile", 0.9, MM1),
    ("mm1", "wait_quantile", 0.95, MM1),
    ("mm1", "sojourn_tail", 0.5, MM1),
    ("busy_period", "variance", None, {"arrival_rate": 2.0, "service_rate": 5.0}),
    ("mmc", "mean_wait", None, MMC),
    ("mmc", "mean_sojourn", None, MMC),
    ("mmc", "probability_of_waiting", None, MMC),
    ("mmc", "sojourn_quantile", 0.9, MMC),
    ("mmc", "mean_queue_length", None, MMC),
    ("mmck", "probability_of_loss", None, MMCK),
    ("mmck", "mean_number", None, MMCK),
    ("mmck", "mean_wait", None, MMCK),
    ("mmck", "number_probability", 4, MMCK),
    ("erlang_b", "blocking", None, {"servers": 6, "offered_load": 4.0}),
    *(
        ("mg1", metric, None, {"arrival_rate": rate, "service": law})
        for rate, law in [
            (1.2, {"law": "constant", "mean": 0.5}),
            (2.0, {"law": "lognormal", "mean": 0.3, "scv": 0.5}),
            (0.5, {"law": "pareto", "least": 0.8, "index": 8.0}),
            (
                0.9,
                {
                    "law": "hyperexponential",
                    "shares": [0.5, 0.3, 0.2],
                    "rates": [4.0, 2.0, 1.0],
                },
            ),
        ]
        for metric in ("mean_wait", "variance_of_wait")
    ),
    ("md1", "wait_tail", 0.5, {"arrival_rate": 1.5, "service_time": 0.4}),
    ("md1", "number_probability", 2, {"arrival_rate": 1.5, "service_time": 0.4}),
    ("mdc", "mean_wait", None, MDC),
    ("mdc", "probability_of_waiting", None, MDC),
    ("mdc", "variance_of_wait", None, MDC),
    *(
        ("gim1", "mean_wait", None, {"service_rate": 4.0, "arrival_rate": 2.5, **intervals})
        for intervals in [
            {"interval": "constant", "stages": 1},
            {"interval": "erlang", "stages": 4},
        ]
    ),
    ("dmc", "mean_wait", None, {"arrival_rate": 2.0, "service_rate": 1.2, "servers": 2}),
    (
        "ekemc",
        "mean_wait",
        None,
        {
            "arrival_rate": 3.0,
            "mean_service": 0.5,
            "servers": 2,
            "arrival_stages": 3,
            "service_stages": 2,
        },
    ),
    (
        "mxm1",
        "mean_sojourn",
        None,
        {"batch_rate": 0.5, "service_rate": 2.0, "batch_sizes": {"1": 0.5, "2": 0.3, "5": 0.2}},
    ),
    ("bulk_service", "mean_wait", None, BULK),
    ("bulk_service", "mean_batch", None, BULK),
    ("retries", "mean_sojourn", None, RETRIES),
    ("retries", "mean_sojourn", None, {**RETRIES, "most_attempts": 2}),
    ("retries", "probability_of_loss", None, {**RETRIES, "most_attempts": 2}),
    *(
        (
            "breakdowns",
            "mean_sojourn",
            None,
            {
                "arrival_rate": 1.0,
                "mean_service": 0.5,
                "service_scv": scv,
                "failure_rate": 0.2,
                "mean_repair": 0.8,
                "fails_when_idle": when_idle,
            },
        )
        for scv in (0, 1, 2.5)
        for when_idle in (True, False)
    ),
    (
        "md1_restarts",
        "mean_sojourn",
        None,
        {"arrival_rate": 0.8, "service_time": 0.6, "failure_rate": 0.4, "mean_repair": 0.3},
    ),
    ("restart", "mean", None, {"service_time": 2.0, "failure_rate": 0.3, "mean_repair": 0.5}),
    *(
        ("priorities_mg1", "mean_wait", None, {**CLASSES, "priority_class": number})
        for number in (1, 2, 3)
    ),
    *(
        (
            "priorities_mg1",
            "mean_sojourn",
            None,
            {**CLASSES, "preemptive": True, "priority_class": number},
        )
        for number in (1, 2, 3)
    ),
    ("priorities_mmc", "mean_wait", None, {**POOL, "priority_class": 2}),
    ("priorities_mmc", "mean_wait_of_all", None, POOL),
    ("erlang_a", "probability_of_loss", None, PATIENCE),
    ("erlang_a", "probability_of_waiting", None, PATIENCE),
    ("erlang_a", "mean_wait", None, PATIENCE),
    ("erlang_a_per_minute", "percent_lost", None, PATIENCE),
    ("erlang_a_per_minute", "mean_wait_s", None, PATIENCE),
    (
        "retrial",
        "mean_queue_length",
        None,
        {"arrival_rate": 0.5, "service_rate": 1.0, "retry_rate": 2.0},
    ),
    ("mmpp_m1", "mean_sojourn", None, MMPP),
    ("mmpp_m1", "idle_share", None, MMPP),
    ("fork_join", "mean_response", None, {"arrival_rate": 1.2, "service_rate": 2, "branches": 2}),
    ("fan_out", "mean", None, {"rates": [0.5, 3.0]}),
    ("fan_out", "quantile", 0.99, {"rate": 4.0, "count": 6}),
    ("quorum_acknowledgement", "mean", None, {"rate": 0.2, "count": 5, "needed": 4}),
    ("tandem", "mean_sojourn", None, TANDEM),
    ("tandem", "sojourn_quantile", 0.95, TANDEM),
    ("tandem", "sojourn_tail", 2.0, TANDEM),
    ("jackson", "mean_time", None, NETWORK),
    ("jackson", "mean_number_at_station", 1, NETWORK),
    ("jackson", "mean_time", None, FEEDBACK),
    ("jackson", "mean_number_at_station", 1, FEEDBACK),
    (
        "transient",
        "mean_wait_of_first",
        None,
        {"arrival_rate": 4.0, "service_rate": 4.5, "messages": 12},
    ),
    (
        "transient",
        "mean_number_at",
        None,
        {"arrival_rate": 2.0, "service_rate": 3.0, "time": 4.0, "start": 5},
    ),
    (
        "history",
        "mean_wait",
        None,
        {"intervals": [0.1, 0.5, 0.25, 0.75, 3.5], "services": [1.0, 0.5, 0.125, 0.75, 2.0]},
    ),
    (
        "kingman_bound",
        "bound_of_mean_wait",
        None,
        {"arrival_rate": 2.0, "service_rate": 3.0, "arrival_scv": 2.0, "service_scv": 0.5},
    ),
    ("murmur2", "partition", None, {"key": "foobar", "partitions": 12}),
    ("asymptotic_variance", "of_number", None, {"arrival_rate": 1.2, "service_rate": 2.0}),
    ("asymptotic_variance", "of_wait", None, {"arrival_rate": 1.2, "service_rate": 2.0}),
    ("age_of_oldest", "mean", None, MM1),
    ("age_of_oldest", "tail", None, {**MM1, "time": 0.5}),
    ("versions_behind", "tail", None, {"load": 0.6, "versions": 1}),
    ("key_staleness", "stale_probability", None, {"load": 0.6, "key_load": 0.25}),
]
"""Family, metric, where it is asked, params."""
