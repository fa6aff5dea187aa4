import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import UsageError
from pixelveil.steps.patch_encoder import Layer, PatchEncoder, encode_patches

cases = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("step_cases.py"))))
ref = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().parents[1] / "reference" / "mixing_reference.py")))


def encoder(shape, *, block_size=4, depth=2, width=24):
    return PatchEncoder(block_size=block_size, depth=depth, width=width).plan(
        material=cases.material_for(1), role="r", shape=shape
    )


def test_patches_are_encoded_as_the_reference_does():
    generator = np.random.default_rng(5)
    image = cases.images_of(1, (6, 4, 3))[0]
    sizes = [(12, 7), (7, 7), (7, 7), (7, 7)]
    layers = tuple(
        Layer(
            weight=generator.normal(size=size).astype(np.float32),
            bias=generator.normal(size=size[1]).astype(np.float32),
        )
        for size in sizes
    )
    positions = generator.normal(size=(6, 7)).astype(np.float32)
    plain = [(layer.weight.tolist(), layer.bias.tolist()) for layer in layers]
    expected = ref.encode(image.tolist(), plain, positions.tolist(), side=2)
    patches = cases.blocks_of(image, 2).reshape(6, 12)
    np.testing.assert_allclose(encode_patches(patches, layers=layers, positions=positions), expected, atol=1e-4)


def test_an_image_is_encoded_alike_whatever_it_is_with():
    images = cases.images_of(7, (16, 20, 3))
    plan = encoder((16, 20, 3), width=96)
    whole = plan.apply(images)
    assert whole.shape == (7, 4, 5, 96)
    assert whole.dtype == np.float32
    for part in (slice(0, 1), slice(3, 4), slice(2, 7)):
        assert plan.apply(images[part]).tobytes() == whole[part].tobytes()
    assert plan.apply(images[4]).tobytes() == whole[4].tobytes()


def test_units_are_normalized_over_the_patches_of_an_image():
    """Brightness and contrast of the whole image change little, which a mean over patches takes out."""
    plan = encoder((16, 16, 1), width=64, depth=1)
    dark = cases.images_of(1, (16, 16, 1)) // 4
    assert not np.array_equal(plan.apply(dark), plan.apply(dark + 100))
    flat = plan.apply(np.full((1, 16, 16, 1), 200, np.uint8))
    other = plan.apply(np.full((1, 16, 16, 1), 10, np.uint8))
    np.testing.assert_allclose(flat, other, atol=1e-2)  # of equal patches nothing but positions is left


def test_the_weights_are_as_secret_as_their_stream():
    step = PatchEncoder(block_size=16, depth=4, width=2048)
    assert step.key_bits(shape=(224, 224, 3)) == 256
    assert step.output_shape((224, 224, 3)) == (14, 14, 2048)


def test_what_does_not_fit_is_refused():
    step = PatchEncoder(block_size=4, depth=1, width=8)
    with pytest.raises(UsageError, match="an image of one patch"):
        step.plan(material=cases.material_for(1), role="r", shape=(4, 4, 3))
    with pytest.raises(UsageError, match="no key for each"):
        step.plan(material=cases.material_for(2), role="r", shape=(8, 8, 3))
    with pytest.raises(UsageError, match="1 or 3 channels"):
        step.output_shape((8, 8, 4))
    assert "weight" not in repr(encoder((8, 8, 3)))
