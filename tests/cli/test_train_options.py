"""Options become what the images at hand permit."""

import pytest

from pixelveil.cli.train_options import augmentation_from, check_mixing, fresh_spec, scheme_on_the_fly, side_of
from pixelveil.errors import UsageError
from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.training.augment import Augmentation

SKK, ETC = create_scheme("skk"), create_scheme("etc-color")


def test_movements():
    assert augmentation_from("auto", scheme=None, image_size=32) == Augmentation()
    assert augmentation_from("auto", scheme=SKK, image_size=32) == Augmentation(flip=True, pixels=4)
    assert augmentation_from("none", scheme=SKK, image_size=32) == Augmentation()
    assert augmentation_from("flip", scheme=SKK, image_size=32) == Augmentation(flip=True)
    assert augmentation_from("shift, flip", scheme=None, image_size=16) == Augmentation(flip=True, pixels=2)
    with pytest.raises(UsageError, match="etc-color bear no flip"):
        augmentation_from("flip", scheme=ETC, image_size=32)
    with pytest.raises(UsageError, match="no movement 'turn'"):
        augmentation_from("turn", scheme=None, image_size=32)


def test_mixtures():
    check_mixing(mixup=1.0, cutmix=1.0, scheme=None)
    check_mixing(mixup=1.0, cutmix=0.0, scheme=ETC)
    check_mixing(mixup=1.0, cutmix=1.0, scheme=create_scheme("smkk"))
    check_mixing(mixup=0.0, cutmix=0.0, scheme=create_scheme("madono-ele"))
    with pytest.raises(UsageError, match="mixup of images encrypted by skk under derived keys"):
        check_mixing(mixup=1.0, cutmix=0.0, scheme=SKK)
    with pytest.raises(UsageError, match="cutmix"):
        check_mixing(mixup=0.0, cutmix=1.0, scheme=ETC)


def spec(architecture="resnet20", *, adaptation="auto", scheme=None, size=32, public=False):
    return fresh_spec(
        architecture,
        adaptation=adaptation,
        scheme=scheme,
        classes=("a", "b"),
        image_size=size,
        public_weights=public,
    )


def test_plain_images_need_nothing():
    assert (spec().adaptation, spec().adaptation_options, spec().mean) == ("none", {}, (0.5,) * 3)
    assert spec(public=True).mean == (0.485, 0.456, 0.406)
    assert spec("wide-resnet-40-10", public=True).mean == (0.5,) * 3


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_has_a_network_that_is_built(name):
    scheme = create_scheme(name)
    made = spec(scheme=scheme)
    if made.adaptation == "none" and scheme.planes == "interleaved":
        assert made.adaptation_options == {}
    assert len(made.mean) == (1 if name == "etc-gray" else 3)
    assert made.build(seed=1) is not None


def test_gray_planes_are_told_even_without_adaptation():
    made = spec(adaptation="none", scheme=create_scheme("etc-gray"))
    assert (made.adaptation, made.adaptation_options["planes"]) == ("none", "side by side")


def test_patches_and_large_images():
    assert spec("vit-cifar", scheme=create_scheme("etc-color")).adaptation == "none"
    assert spec(scheme=ETC, size=224).adaptation == "le"


def test_what_encrypts_on_the_fly(tmp_path):
    key = tmp_path / "k.pvkey"
    assert scheme_on_the_fly(None, None, key_file=None, of_folder=SKK) is None
    made = scheme_on_the_fly("etc-gray", ["block_size=4"], key_file=key, of_folder=None)
    assert made == create_scheme("etc-gray", block_size=4)
    assert scheme_on_the_fly("huang", None, key_file=None, of_folder=None) == create_scheme("huang")
    with pytest.raises(UsageError, match="needs a key"):
        scheme_on_the_fly("skk", None, key_file=None, of_folder=None)
    with pytest.raises(UsageError, match="already"):
        scheme_on_the_fly("skk", None, key_file=key, of_folder=SKK)


def test_the_side_that_a_network_reads():
    assert side_of(None, image_size=30) == 30
    assert side_of(create_scheme("etc-gray"), image_size=30) == 32
    assert side_of(ETC, image_size=30) == 32
