import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelveil import Key, create_scheme
from pixelveil.errors import MissingExtraError

torch = pytest.importorskip("torch")
tv_tensors = pytest.importorskip("torchvision.tv_tensors")
v2 = pytest.importorskip("torchvision.transforms.v2")
Encrypt = pytest.importorskip("pixelveil.transforms").Encrypt

SCHEMES = {
    "skk": create_scheme("skk", key_policy="shared"),
    "vit-permutation": create_scheme("vit-permutation", block_size=4),
    "vit-orthogonal": create_scheme("vit-orthogonal", block_size=4),
}


@pytest.fixture
def key():
    return Key.generate()


def image_of(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_scaling_before_or_after_gives_the_same_normalized_tensors(scheme, key):
    scale, normalize = v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.4, 0.5, 0.6], [0.2, 0.3, 0.25])
    encrypt, batch = Encrypt(scheme=scheme, key=key), image_of(2, 3, 8, 12)
    after = v2.Compose([encrypt, scale, normalize])(batch)
    before = v2.Compose([scale, encrypt, normalize])(batch)
    assert after.dtype == before.dtype == torch.float32
    torch.testing.assert_close(after, before, atol=2e-5, rtol=0)
    levels = torch.from_numpy(scheme.encrypt(batch.permute(0, 2, 3, 1).numpy(), key=key).images).permute(0, 3, 1, 2)
    torch.testing.assert_close(after, normalize(levels.float() / 255), atol=2e-5, rtol=0)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_labels_boxes_and_masks_pass(scheme, key):
    image = tv_tensors.Image(image_of(3, 8, 8))
    sample = {
        "label": torch.tensor(3),
        "image": image,
        "mask": tv_tensors.Mask(image_of(1, 8, 8)),
        "boxes": tv_tensors.BoundingBoxes([[0, 0, 4, 4]], format="XYXY", canvas_size=(8, 8)),
        "name": "a.png",
    }
    result = v2.Compose([v2.RandomHorizontalFlip(p=0.0), Encrypt(scheme=scheme, key=key)])(sample)
    assert (result["label"], result["name"]) == (3, "a.png")
    for name in ("mask", "boxes"):
        assert type(result[name]) is type(sample[name])
        torch.testing.assert_close(result[name], sample[name])
    assert type(result["image"]) is tv_tensors.Image
    expected = Encrypt(scheme=scheme, key=key)(image.as_subclass(torch.Tensor))
    torch.testing.assert_close(result["image"].as_subclass(torch.Tensor), expected)
    assert (expected * (1 if expected.dtype == torch.uint8 else 255) - image).abs().max() > 20


def test_the_image_of_a_sample_stays_an_image_for_what_follows(key):
    """A label that is a tensor stands before it, and must not be normalized in its stead."""
    pipeline = v2.Compose(
        [
            Encrypt(scheme=SCHEMES["skk"], key=key),
            v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
        ]
    )
    label, image = pipeline(torch.tensor(7), tv_tensors.Image(image_of(3, 4, 4)))
    assert label.dtype == torch.int64
    assert image.dtype == torch.float32


def test_frames_of_a_video_are_images(key):
    video = tv_tensors.Video(image_of(5, 3, 8, 8))
    result = Encrypt(scheme=SCHEMES["skk"], key=key)(video)
    assert type(result) is tv_tensors.Video
    expected = SCHEMES["skk"].encrypt(video.as_subclass(torch.Tensor), key=key).images
    torch.testing.assert_close(result.as_subclass(torch.Tensor), expected)


def test_pil_images_stay_pil_images(key):
    image = Image.fromarray(image_of(10, 12, 3).numpy())
    result = v2.Compose([v2.Resize((8, 8)), Encrypt(scheme=SCHEMES["vit-permutation"], key=key), v2.PILToTensor()])(
        image
    )
    expected = SCHEMES["vit-permutation"].encrypt(v2.Resize((8, 8))(image), key=key).images
    np.testing.assert_array_equal(result.permute(1, 2, 0).numpy(), np.asarray(expected))


def test_keys_that_are_thrown_away_need_none():
    scheme = create_scheme("skk", key_policy="ephemeral")
    transform = Encrypt(scheme=scheme, key=None)
    assert transform(image_of(3, 4, 4)).shape == (3, 4, 4)
    assert repr(transform) == "Encrypt(scheme=skk, key=none)"


def test_clients_have_plans_of_their_own_and_images_are_counted():
    key, image = Key.generate(budget=10), image_of(3, 4, 4)
    results = [Encrypt(scheme=SCHEMES["skk"], key=key, client=client)(image) for client in ("", "a", "b")]
    assert len({result.numpy().tobytes() for result in results}) == 3
    assert key.remaining == 7


def test_repr_names_the_scheme_and_the_fingerprint_only(key):
    assert repr(Encrypt(scheme=SCHEMES["skk"], key=key)) == f"Encrypt(scheme=skk, key={key.fingerprint})"


def test_without_torchvision_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    source = Path(sys.modules["pixelveil.transforms"].__file__)
    with pytest.raises(MissingExtraError, match=r"pixelveil\[models\]"):
        runpy.run_path(str(source))
