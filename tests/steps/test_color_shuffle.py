import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.steps import COLOR_CODES, ColorShuffle, NegativePositive

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))

# Sirichotedumrong et al., ICIP 2019: for each value of K_s, what red, green and blue of the output take.
PUBLISHED = {0: "RGB", 1: "RBG", 2: "GRB", 3: "GBR", 4: "BRG", 5: "BGR"}


def test_codes_are_the_published_table():
    assert {code: "".join("RGB"[channel] for channel in order) for code, order in enumerate(COLOR_CODES)} == PUBLISHED


def test_published_pixel():
    """Pixel (10, 20, 30), inverted where r = (1, 0, 1), shuffled by K_s = 3, is (20, 225, 245)."""
    fixed = SimpleNamespace(
        bits=lambda size, width: np.array([[0b101]], np.uint8),
        integers=lambda size, bound: np.array([[3]], np.uint8),
    )
    material = SimpleNamespace(stream=lambda role: fixed, count=1)
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    inversion = NegativePositive(scope="value").plan(material=material, role="a", shape=(1, 1, 3))
    shuffle = ColorShuffle().plan(material=material, role="b", shape=(1, 1, 3))
    assert inversion.apply(pixel).tolist() == [[[245, 20, 225]]]
    assert inversion.compose(shuffle).apply(pixel).tolist() == [[[20, 225, 245]]]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("block", [1, 4])
def test_each_block_takes_the_order_of_its_code(count, block):
    shape = (8, 12, 3)
    images = cases.images_of(count, shape)
    codes = cases.stream_of("r", count).integers(96 // block**2, bound=6)
    plan = ColorShuffle(block_size=block).plan(material=cases.material_for(count), role="r", shape=shape)
    expected = [
        cases.image_of(
            np.stack([b[..., list(COLOR_CODES[c])] for b, c in zip(cases.blocks_of(image, block), row, strict=True)]),
            shape,
        )
        for image, row in zip(images, codes, strict=True)
    ]
    np.testing.assert_array_equal(plan.apply(images), expected)


@pytest.mark.parametrize("count", [1, 5])
def test_one_code_for_the_whole_image(count):
    images = cases.images_of(count, (3, 5, 3))
    codes = cases.stream_of("r", count).integers(1, bound=6)[:, 0]
    plan = ColorShuffle(block_size=None).plan(material=cases.material_for(count), role="r", shape=(3, 5, 3))
    expected = [image[..., list(COLOR_CODES[code])] for image, code in zip(images, codes, strict=True)]
    np.testing.assert_array_equal(plan.apply(images), expected)


@pytest.mark.parametrize("block", [1, 4, None])
def test_images_of_one_channel_stay(block):
    images = cases.images_of(2, (8, 8, 1))
    step = ColorShuffle(block_size=block)
    plan = step.plan(material=cases.material_for(2), role="r", shape=(8, 8, 1))
    np.testing.assert_array_equal(plan.apply(images), images)
    assert step.key_bits(shape=(8, 8, 1)) == 0


@pytest.mark.parametrize(("block", "codes"), [(1, 1024), (4, 64), (None, 1)])
def test_key_space_is_log2_of_six_a_code(block, codes):
    assert ColorShuffle(block_size=block).key_bits(shape=(32, 32, 3)) == pytest.approx(codes * math.log2(6))
