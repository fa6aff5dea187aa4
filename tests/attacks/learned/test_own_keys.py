import numpy as np

from pixelveil import create_scheme
from pixelveil.attacks.learned.own_keys import encrypt_own, own_scheme, pieces


def test_own_keys_differ_and_come_from_the_seed(public):
    for name in ("smkk", "skk", "skk-g"):
        scheme = own_scheme(create_scheme(name), public=public)
        assert scheme.key_policy != "ephemeral"
        first, again = (encrypt_own(scheme, public[:2], generator=np.random.default_rng(0)) for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert (first != encrypt_own(scheme, public[:2], generator=np.random.default_rng(1))).mean() > 0.3


def test_images_are_spread_over_keys(public):
    plain = np.repeat(public[:1], 6, axis=0)
    scheme = create_scheme("smkk")
    one, three = (encrypt_own(scheme, plain, generator=np.random.default_rng(0), keys=keys) for keys in (1, 3))
    assert len(np.unique(one, axis=0)) == 1
    assert len(np.unique(three, axis=0)) == 3


def test_own_pools_are_fitted(public):
    scheme = create_scheme("pixel-block-mixing", rows=2, columns=2, donors=3)
    own = own_scheme(scheme, public=public[:8])
    assert encrypt_own(own, public[8:10], generator=np.random.default_rng(0)).shape == public[8:10].shape


def test_pieces_are_parts_of_their_images(public):
    cut = pieces(public[:5], generator=np.random.default_rng(0), side=7)
    assert cut.shape == (5, 7, 7, 3)
    windows = np.lib.stride_tricks.sliding_window_view(public[0], (7, 7, 3)).reshape(-1, 7, 7, 3)
    assert (windows == cut[0]).all(axis=(1, 2, 3)).any()
    np.testing.assert_array_equal(pieces(public[:5], generator=np.random.default_rng(0)), public[:5])
