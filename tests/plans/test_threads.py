import threading

import pytest

from pixelveil.plans import threads
from pixelveil.plans.threads import for_slices, processors

MUCH = 1 << 40


def covered(**arguments):
    """The slices that were worked on, by their beginnings."""
    parts = []
    for_slices(parts.append, **arguments)
    return sorted((part.start, part.stop) for part in parts)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 100])
@pytest.mark.parametrize("wanted", [1, 2, 3, 8, None])
def test_slices_cover_every_image_once(count, wanted):
    parts = covered(count=count, total_bytes=MUCH, threads=wanted)
    assert [place for start, stop in parts for place in range(start, stop)] == list(range(count))
    assert len(parts) == max(1, min(count, wanted or processors()))
    sizes = [stop - start for start, stop in parts]
    assert max(sizes) - min(sizes) <= 1


def test_little_work_stays_in_this_thread():
    seen = []
    for_slices(lambda _: seen.append(threading.current_thread()), count=10, total_bytes=1000, threads=8)
    assert seen == [threading.current_thread()]


def test_much_work_is_done_by_others():
    both = threading.Barrier(2)
    for_slices(lambda _: both.wait(timeout=10), count=2, total_bytes=MUCH, threads=2)


def test_an_error_of_a_slice_reaches_the_caller():
    def fail(part):
        if part.start:
            raise KeyError(part.start)

    with pytest.raises(KeyError):
        for_slices(fail, count=4, total_bytes=MUCH, threads=2)


def test_processors_are_those_this_process_may_use(monkeypatch):
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    assert processors() == 3
    monkeypatch.delattr(threads.os, "sched_getaffinity")
    monkeypatch.setattr(threads.os, "cpu_count", lambda: None)
    assert processors() == 1
