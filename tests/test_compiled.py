import numpy as np

from pixelveil.compiled import compiled


@compiled
def total(values):
    result = 0
    for value in values:
        result += value
    return result


def test_a_loop_gives_the_same_and_holds_no_interpreter_lock():
    assert total(np.arange(5)) == 10
    assert total.signatures
    assert total.targetoptions["nogil"]
