import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pixelveil.data.pipeline import ordered_map


@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_results_keep_the_order_of_the_items(ahead):
    def slow_when_even(number):
        time.sleep(0.002 * (number % 2 == 0))
        return number * number

    with ThreadPoolExecutor(4) as pool:
        results = list(ordered_map(slow_when_even, range(30), pool=pool, ahead=ahead))
    assert results == [number * number for number in range(30)]


def test_no_more_items_are_taken_than_agreed():
    taken = 0

    def items():
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number

    with ThreadPoolExecutor(2) as pool:
        for done, _ in enumerate(ordered_map(abs, items(), pool=pool, ahead=5)):
            assert taken <= done + 6
    assert taken == 50


def test_an_error_comes_through_and_ends_the_rest():
    started = []
    gate = threading.Event()

    def work(number):
        started.append(number)
        if number == 0:
            raise ZeroDivisionError
        gate.wait(5)

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ZeroDivisionError):
            list(ordered_map(work, range(20), pool=pool, ahead=8))
        gate.set()
    assert len(started) < 4
