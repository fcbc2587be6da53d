"""The meter: work is charged once, to whom it belongs."""

import os
import shutil
import subprocess
import time

import pytest

from qfl.node.meter import Meter, Work, cpu_seconds_by_stage, process_cpu_seconds

TICKS = 5 / os.sysconf("SC_CLK_TCK")
"""User and system time are rounded down apart, and the system brings them up to date now and then."""


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def charged(meter, role, participant, stage):
    return next(
        work for work in meter.works() if (work.role, work.participant, work.stage) == (role, participant, stage)
    )


def test_work_inside_other_work_is_charged_once():
    """A seat that is measured while its validator is: charged to both, the work would count twice."""
    meter, start = Meter(), time.process_time()
    with meter.measuring("validator", 1, "verify"):
        with meter.measuring("seat", 1, "verify"), meter.measuring("store", 1, "fetch"):
            burn(0.02)
        burn(0.02)
    spent = time.process_time() - start
    assert sum(work.cpu_seconds for work in meter.works()) <= spent
    assert charged(meter, "store", 1, "fetch").cpu_seconds >= 0.02
    assert charged(meter, "validator", 1, "verify").cpu_seconds >= 0.02


def test_work_that_fails_is_charged_too():
    meter = Meter()
    with pytest.raises(ZeroDivisionError), meter.measuring("client", 1, "commit"):
        burn(0.01)
        raise ZeroDivisionError
    with meter.measuring("client", 1, "commit"):
        burn(0.01)
    assert charged(meter, "client", 1, "commit").cpu_seconds >= 0.02


def test_a_batch_is_shared_equally():
    """Clients that train in one batch: the first one did not do it alone."""
    meter = Meter()
    with meter.measuring("client", [7, 8], "train"):
        burn(0.02)
    assert charged(meter, "client", 7, "train").cpu_seconds == charged(meter, "client", 8, "train").cpu_seconds >= 0.01


def test_services_are_charged_for_the_stage_they_ran_in():
    meter = Meter(lambda: {"chain": os.getpid()})
    burn(0.05)
    with meter.measuring_services("commit"):
        burn(0.05)
    assert 0.05 - TICKS <= charged(meter, "chain", None, "commit").cpu_seconds <= time.process_time() + TICKS


def test_a_service_that_was_restarted_is_charged_from_its_start():
    """Its successor's clock begins at zero: the difference to the old one's would be negative."""
    pids = {"chain": os.getpid()}
    meter = Meter(lambda: pids)
    with subprocess.Popen(["sleep", "60"]) as successor:
        with meter.measuring_services("verify"):
            pids["chain"] = successor.pid
        successor.kill()
    assert 0 <= charged(meter, "chain", None, "verify").cpu_seconds < time.process_time()


def test_a_process_says_what_it_spent_whatever_it_is_called(tmp_path):
    """proc(5): the command's name is in brackets, and may hold brackets and spaces itself."""
    odd = tmp_path / "a) S 9 (b"
    shutil.copy(shutil.which("sleep"), odd)
    with subprocess.Popen([odd, "60"]) as process:
        assert 0 <= process_cpu_seconds(process.pid) < 1
        process.kill()
    before = time.process_time()
    assert before - TICKS <= process_cpu_seconds(os.getpid()) <= time.process_time() + TICKS


def test_a_process_that_is_gone_is_missing_and_not_free():
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert process_cpu_seconds(gone.pid) is None
    meter = Meter(lambda: {"chain": gone.pid})
    with meter.measuring_services("commit"):
        pass
    assert cpu_seconds_by_stage(meter.works()) == {}


def test_totals_are_over_participants():
    works = [
        Work("client", 1, "train", 1.0, 2.0),
        Work("client", 2, "train", 0.5, 2.0),
        Work("chain", None, "open", 1, 1),
    ]
    assert cpu_seconds_by_stage(works) == {"client": {"train": 1.5}, "chain": {"open": 1}}
