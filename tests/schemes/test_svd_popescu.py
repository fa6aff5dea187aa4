import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.schemes import SCHEMES, create_scheme
from pixelveil.schemes.asset import Asset
from pixelveil.schemes.fitting import fit_asset
from pixelveil.steps import TruncatedSvd

checks = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("properties.py"))))

SHAPE = (24, 20, 3)


def fitted(components=6, *, images=None, **parameters):
    scheme = create_scheme("svd-popescu", components=components, **parameters)
    return scheme.bind(fit_asset(scheme, images=checks.noise(30, SHAPE, seed=4) if images is None else images))


def rebuilt(hidden, arrays):
    """``Y V^T + mean``: what whoever has a basis makes of results."""
    return np.einsum("nhkc,cwk->nhwc", hidden, arrays["basis"]) + arrays["mean"].T


def test_results_are_coordinates_of_centered_rows():
    scheme, images = fitted(), checks.noise(3, SHAPE)
    result = scheme.encrypt(images)
    assert (result.images.shape, result.images.dtype) == ((3, 24, 6, 3), np.float32)
    assert (result.fingerprint, result.nonces) == ("", None)
    for channel in range(3):
        centered = images[..., channel] - scheme.arrays["mean"][channel]
        expected = centered @ scheme.arrays["basis"][channel]
        np.testing.assert_allclose(result.images[..., channel], expected, atol=1e-3)


def test_all_components_lose_nothing_to_whoever_has_the_basis():
    scheme, images = fitted(20), checks.noise(3, SHAPE)
    np.testing.assert_allclose(rebuilt(scheme.encrypt(images).images, scheme.arrays), images, atol=1e-3)


def test_the_basis_says_how_it_was_made_and_survives_its_file(tmp_path):
    scheme = fitted()
    assert scheme.bound.kind == "basis"
    facts = {"components": 6, "variant": "basis", "images": 30, "height": 24, "width": 20, "channels": 3}
    assert {name: scheme.bound.settings[name] for name in facts} == facts
    scheme.bound.save(tmp_path / "basis.safetensors")
    again = create_scheme("svd-popescu", components=6, asset=Asset.load(tmp_path / "basis.safetensors"))
    assert again.digest == scheme.digest
    images = checks.noise(2, SHAPE)
    np.testing.assert_array_equal(again.encrypt(images).images, scheme.encrypt(images).images)


def test_another_basis_is_another_scheme_and_gives_other_results():
    first, second = fitted(), fitted(images=checks.noise(30, SHAPE, seed=5))
    assert first.digest != second.digest
    images = checks.noise(1, SHAPE)
    assert np.mean(first.encrypt(images).images != second.encrypt(images).images) > 0.99


def test_only_images_of_the_width_of_the_basis_are_taken():
    scheme = fitted()
    assert scheme.encrypt(checks.noise(1, (7, 20, 3))).images.shape == (1, 7, 6, 3)
    for shape in ((24, 21, 3), (24, 20, 1)):
        with pytest.raises(UsageError, match="the basis is for images 20 pixels wide of 3 channels, not"):
            scheme.encrypt(checks.noise(1, shape))
    assert "the width that the basis was fitted for" in scheme.sizes


def test_a_basis_with_too_few_components_is_refused():
    small = fitted(4).bound
    with pytest.raises(UsageError, match="the basis has 4 components, not 5"):
        create_scheme("svd-popescu", components=5, asset=small).encrypt(checks.noise(1, SHAPE))
    assert create_scheme("svd-popescu", components=3, asset=small).encrypt(checks.noise(1, SHAPE)).images.shape[2] == 3


def test_the_variant_per_image_needs_nothing_and_keeps_products_of_rows():
    """``U S (U S)^T = X X^T``: the known weakness."""
    scheme, images = create_scheme("svd-popescu", variant="per_image"), checks.noise(2, SHAPE)
    assert scheme.steps() == (TruncatedSvd(components=32),)
    assert not scheme.needs_asset
    assert SCHEMES["svd-popescu"].needs_asset
    hidden = scheme.encrypt(images).images[0, ..., 0].astype(np.float64)
    plain = images[0, ..., 0].astype(np.float64)
    assert hidden.shape == (24, 20)
    np.testing.assert_allclose(hidden @ hidden.T, plain @ plain.T, rtol=1e-5)
    with pytest.raises(UsageError, match="with variant=per_image needs no asset"):
        fit_asset(scheme, images=images)
    with pytest.raises(UsageError, match="with variant=per_image takes no asset"):
        create_scheme("svd-popescu", variant="per_image", asset="0" * 64)


def photographs(names, *, seed, count=100, side=32):
    """Gray crops of photographs, (n, side, side, 1)."""
    data = pytest.importorskip("skimage.data")
    generator, crops = np.random.default_rng(seed), []
    for name in names:
        picture = np.atleast_3d(getattr(data, name)())[::2, ::2, :3].mean(axis=-1)
        for _ in range(count):
            top, left = (generator.integers(0, size - side + 1) for size in picture.shape)
            crops.append(picture[top : top + side, left : left + side])
    return np.rint(np.stack(crops))[..., None].astype(np.uint8)


def test_a_basis_of_other_photographs_is_the_secret_one_but_for_signs():
    """The known weakness: principal components of natural images are much alike; then a few signs are left to guess."""
    own = fitted(8, images=photographs(["coffee", "chelsea", "cat", "brick"], seed=0))
    public = fitted(8, images=photographs(["camera", "coins", "rocket", "astronaut"], seed=1)).arrays
    cosines = (own.arrays["basis"] * public["basis"]).sum(axis=1)
    assert (np.abs(cosines[0, :4]) > 0.9).all()
    victims = photographs(["coffee", "cat"], seed=2, count=5)
    guessed = own.encrypt(victims).images * np.sign(cosines).T
    read = [checks.correlation(*pair) for pair in zip(rebuilt(guessed, public), victims, strict=True)]
    assert np.mean(read) > 0.75


def test_a_few_known_images_give_the_basis():
    """The known weakness: least squares."""
    scheme, known, victim = fitted(), checks.noise(3, SHAPE, seed=8), checks.noise(1, SHAPE, seed=9)
    rows = np.concatenate([known[..., 0].reshape(-1, 20), np.ones((72, 20))], axis=1)[:, :21]
    hidden = scheme.encrypt(known).images[..., 0].reshape(-1, 6)
    solution = np.linalg.lstsq(rows, hidden, rcond=None)[0]
    np.testing.assert_allclose(solution[:20], scheme.arrays["basis"][0], atol=1e-4)
    guess = victim[0, ..., 0] @ solution[:20] + solution[20]
    np.testing.assert_allclose(guess, scheme.encrypt(victim).images[0, ..., 0], atol=1e-2)


def test_nothing_of_the_basis_is_shown():
    scheme = fitted()
    value = repr(float(scheme.arrays["basis"][0, 0, 0]))
    for thing in (scheme, scheme.steps(), scheme.bound, scheme.encrypt(checks.noise(0, SHAPE))):
        assert value[:8] not in repr(thing)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"components": 0}, "components must be positive, not 0"),
        ({"variant": "both"}, "variant must be one of basis, per_image, not 'both'"),
        ({"key_policy": "shared"}, "key_policy must be one of none, not 'shared'"),
    ],
)
def test_what_is_wrong_is_named(parameters, message):
    with pytest.raises(UsageError) as caught:
        create_scheme("svd-popescu", **parameters)
    assert message in str(caught.value)


def test_an_asset_that_is_no_basis_is_refused():
    basis, mean = np.zeros((3, 20, 6)), np.zeros((3, 20))
    wrong = [
        {"basis": basis},
        {"basis": basis, "mean": mean, "more": mean},
        {"basis": basis.astype(np.int8), "mean": mean},
        {"basis": basis * np.nan, "mean": mean},
        {"basis": basis[0], "mean": mean[0]},
    ]
    for arrays in wrong:
        asset = Asset(scheme="svd-popescu", kind="basis", arrays=arrays)
        with pytest.raises(IntegrityError, match="this asset is no basis with its mean"):
            create_scheme("svd-popescu", components=6, asset=asset)
