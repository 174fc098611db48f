"""The command as shells and scripts meet it: pipes, terminals, signals, exit codes."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "eda_sim.cli"]
LONG = ["run", "checkout", "--set", "duration=5h"]
PATIENCE_S = 60


def run_to_the_end(*arguments, **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        **options,
    )


@contextlib.contextmanager
def started(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def read_until(descriptor: int, wanted: bytes) -> bytes:
    """Read what a process writes until it has written ``wanted``, or has closed its end."""
    seen = b""
    deadline = time.monotonic() + PATIENCE_S
    while wanted not in seen:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{wanted!r} did not come, only {seen!r}"
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # the other end of a terminal is gone
            chunk = b""
        if not chunk:
            break
        seen += chunk
    return seen


def test_a_pipe_gets_results_only():
    result = run_to_the_end("run", "mm1", "--set", "duration=2min")
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.startswith("mm1: ")
    assert "\x1b" not in result.stdout


def test_bad_input_in_a_real_process():
    result = run_to_the_end("run", "chekout")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == (
        "eda-sim: error: no bundled scenario and no file 'chekout'; did you mean 'checkout'?\n"
    )


def test_closed_pipe_is_quiet():
    with started([*COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_S) == 141
        process.stdout = None


def test_unwritable_folder_is_one_line(tmp_path):
    result = run_to_the_end("schema", "--out", "/dev/null/schema.json", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("eda-sim: error: /dev/null")
    assert result.stderr.count("\n") == 1


def test_terminal_shows_progress_and_ctrl_c_ends_it(tmp_path):
    screen, terminal = pty.openpty()
    command = [*COMMAND, *LONG, "--out", str(tmp_path / "run")]
    with started(command, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        assert b"Simulating checkout" in read_until(screen, b"Simulating checkout")
        assert b"%" in read_until(screen, b"%")
        process.send_signal(signal.SIGINT)
        rest = read_until(screen, b"eda-sim: interrupted")
        assert process.wait(PATIENCE_S) == 130
    os.close(screen)
    assert b"Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


SAVES_SLOWLY = """
    import sys, time
    from eda_sim.simulation import Run
    from eda_sim.cli import main

    save = Run.save

    def save_and_wait(self, path):
        save(self, path)
        print("saved", flush=True)
        time.sleep(60)

    Run.save = save_and_wait
    main(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("earlier", [True, False])
def test_signal_in_the_middle_of_saving_leaves_no_half_run(tmp_path, number, earlier):
    folder = tmp_path / "deep" / "run"
    quick = ["run", "mm1", "--set", "duration=2min", "--out", str(folder)]
    if earlier:
        assert run_to_the_end(*quick, "--seed", 1).returncode == 0
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    command = [sys.executable, "-c", textwrap.dedent(SAVES_SLOWLY), *quick, "--seed", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(command, **pipes) as process:
        assert process.stdout.readline() == b"saved\n"
        half_written = list(Path(tmp_path).rglob(".eda-sim-*/content/messages.parquet"))
        assert len(half_written) == 1
        process.send_signal(number)
        errors = process.stderr.read()
        assert process.wait(PATIENCE_S) == 128 + number
    assert b"Traceback" not in errors
    after = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    assert after == before
