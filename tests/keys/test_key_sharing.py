"""One key file, many threads and processes: never more images than the budget."""

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pixelveil.errors import BudgetError
from pixelveil.keys import Key, key, read_header

pytestmark = pytest.mark.usefixtures("cheap_scrypt")


def load(path):
    return Key.load(path, passphrase="p")


def used(path):
    return read_header(path).active.used


def spend(made):
    """Reserve one image after the other until the budget is spent; return how many."""
    granted = 0
    try:
        while True:
            made.reserve(1)
            granted += 1
    except BudgetError:
        return granted


@pytest.mark.parametrize("bound", [False, True])
def test_threads_are_granted_the_budget_and_no_more(path, bound):
    made = load(path) if bound else Key.generate(budget=1000)
    start = threading.Barrier(8)

    def spend_with_others():
        start.wait()
        return spend(made)

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(spend_with_others) for _ in range(8)]
        assert sum(future.result() for future in futures) == 1000


def in_child(function):
    """Run a function in a forked process that ends without any cleaning up; return whether it succeeded."""
    process = os.fork()
    if process == 0:
        signal.alarm(30)
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(process, 0)[1] == 0


def test_a_lease_is_not_spent_twice_after_a_fork(path):
    made = load(path)
    made.reserve(1)

    def child():
        assert made.remaining == 744
        made.reserve(200)
        assert used(path) == 512
        made.close()
        assert used(path) == 456

    assert in_child(child)
    made.reserve(255)
    assert used(path) == 456
    made.reserve(1)
    assert used(path) == 712


def test_a_fork_while_another_thread_reserves_does_not_hang(path):
    made = load(path)
    with made._mutex:
        assert in_child(lambda: made.reserve(1))


def spend_and_record(path, record, seed):
    """Reserve until the budget is spent; after each grant append one byte per image to a file."""
    numbers = random.Random(seed)
    made = load(path)
    with record.open("ab", buffering=0) as file:
        try:
            while True:
                count = numbers.choice([1, 1, 1, 30, 300])
                made.reserve(count)
                file.write(bytes(count))
        except BudgetError:
            made.close()


def start_spending(path, record, seed):
    """Run `spend_and_record` in a process of its own; return its number."""
    process = os.fork()
    if process == 0:
        try:
            spend_and_record(path, record, seed)
        finally:
            os._exit(0)
    return process


def test_processes_together_are_granted_the_budget_and_no_more(tmp_path):
    path, budget = tmp_path / "my.pvkey", 30_000
    Key.generate(budget=budget).save(path, passphrase="p")
    for process in [start_spending(path, tmp_path / f"{seed}.granted", seed) for seed in range(4)]:
        os.waitpid(process, 0)
    granted = sum(file.stat().st_size for file in tmp_path.glob("*.granted"))
    # Each of the four ended with a refused wish of at most 300 images, then gave its lease back.
    assert budget - 4 * 300 < granted <= budget
    assert used(path) == granted


def test_killed_processes_waste_budget_and_never_overrun_it(tmp_path):
    path, budget = tmp_path / "my.pvkey", 100_000
    Key.generate(budget=budget).save(path, passphrase="p")
    running, numbers = [], random.Random(1)
    for seed in range(16):
        running.append(start_spending(path, tmp_path / f"{seed}.granted", seed))
        if len(running) == 4:
            time.sleep(numbers.uniform(0.005, 0.03))
            os.kill(running[0], signal.SIGKILL)
            os.waitpid(running.pop(0), 0)
    for process in running:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    granted = sum(file.stat().st_size for file in tmp_path.glob("*.granted"))
    assert 0 < granted <= used(path) <= budget
    # A killed process wastes its lease, and one grant that it had no time to record.
    assert used(path) - granted <= 16 * (300 + key.LEASE)
    rest = load(path)
    assert granted + rest.remaining <= budget
    assert rest.reserve(rest.remaining).remaining == 0
