import signal
import threading
import time

import pytest

from pixelveil.audit.limit import time_limit
from pixelveil.errors import OutOfTimeError


def work_for(seconds):
    with time_limit(seconds):
        while True:
            time.sleep(0.001)


def test_a_block_that_does_not_end_is_stopped():
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(OutOfTimeError, match="--budget"):
        work_for(0.05)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_block_that_ends_is_left_alone():
    with time_limit(60):
        done = True
    assert done
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_in_another_thread_nothing_is_limited():
    seen = []

    def work():
        with time_limit(0.001):
            time.sleep(0.02)
            seen.append("end")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["end"]
