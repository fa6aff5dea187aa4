"""The reference of the networks against SciPy, and on what can be seen at a glance."""

import doctest
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy.signal import convolve, correlate

PATH = Path(__file__).with_name("network_reference.py")
ref = SimpleNamespace(**runpy.run_path(str(PATH)))
RANDOM = np.random.default_rng(0)


def test_its_examples():
    for name in ("convolve", "spread", "_pooled", "_mirrored"):
        function = getattr(ref, name)
        for example in doctest.DocTestFinder().find(function, name, globs=dict(vars(ref))):
            assert doctest.DocTestRunner().run(example).failed == 0


def test_convolution_is_scipys():
    planes, kernel, bias = RANDOM.normal(size=(2, 6, 7)), RANDOM.normal(size=(3, 2, 3, 3)), RANDOM.normal(size=3)
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    expected = np.stack([correlate(padded, one, mode="valid")[0] for one in kernel]) + bias[:, None, None]
    result = ref.convolve(planes.tolist(), kernel.tolist(), bias.tolist(), zeros=1)
    np.testing.assert_allclose(result, expected, atol=1e-12)
    strided = ref.convolve(planes.tolist(), kernel.tolist(), bias.tolist(), zeros=1, stride=2)
    np.testing.assert_allclose(strided, expected[:, ::2, ::2], atol=1e-12)


def test_transposed_convolution_is_scipys_of_values_set_apart():
    planes, kernel = RANDOM.normal(size=(2, 3, 4)), RANDOM.normal(size=(2, 3, 3, 3))
    apart = np.zeros((2, 5, 7))
    apart[:, ::2, ::2] = planes
    full = np.stack([sum(convolve(apart[i], kernel[i, o]) for i in range(2)) for o in range(3)])
    expected = np.pad(full, ((0, 0), (0, 1), (0, 1)))[:, 1:-1, 1:-1]
    result = ref.spread(planes.tolist(), kernel.tolist(), [0.0] * 3, cut=1, more=1)
    np.testing.assert_allclose(result, expected, atol=1e-12)


def test_weights_of_zero_give_gray():
    image = RANDOM.integers(0, 256, (5, 6, 3)).tolist()
    for network, depth, layout in (("unet", 2, ref.unet_layout(1, 2)), ("generator", 1, ref.generator_layout(1, 1))):
        weights = {name: np.zeros(shape).tolist() for name, shape in layout.items()}
        assert np.all(np.array(ref.transform(image, weights, network=network, depth=depth)) == 127.5)
