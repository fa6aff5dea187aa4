import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from pixelveil import create_scheme
from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games.controls import Plain
from pixelveil.attacks.games.referee import (
    affordable,
    link_scores,
    match,
    member_scores,
    new_key,
    public_part,
    tell_apart,
)
from pixelveil.errors import UsageError


def test_every_key_is_another(tiles):
    scheme, images = create_scheme("smkk"), tiles[0][:4]
    first, second = new_key(scheme), new_key(scheme)
    np.testing.assert_array_equal(first(images), first(images))
    assert (first(images) != second(images)).mean() > 0.3


def test_noise_hides_the_images(tiles):
    encrypt = new_key(Plain(), noise=True)
    assert abs(encrypt(tiles[0][:4]).astype(float).mean() - 127.5) < 5
    assert (encrypt(tiles[0][:4]) != encrypt(tiles[0][:4])).mean() > 0.9


def test_players_see_no_asset(tiles):
    from pixelveil.schemes.svd_popescu import SvdPopescu

    scheme = SvdPopescu(components=8)
    bound = scheme.bind(SvdPopescu.fit(tiles[0], settings=scheme.parameters))
    seen = public_part(bound)
    assert seen.bound is None
    assert not seen.asset
    assert seen.components == 8


def test_matching_shuffles_and_counts(deck_of):
    deck = deck_of(64)
    places = {image.tobytes(): place for place, image in enumerate(deck.images)}

    def knows(plain, encrypted):
        return np.array([places[image.tobytes()] for image in encrypted])

    def answers_in_order(plain, encrypted):
        return np.arange(len(plain))

    assert match(Plain(), deck, player=knows) == 64
    assert match(Plain(), deck, player=answers_in_order) < 8
    with pytest.raises(UsageError, match="64 answers"):
        match(Plain(), deck, player=lambda plain, encrypted: np.zeros(3, int))


def test_linking_agrees_with_an_independent_roc():
    generator = np.random.default_rng(0)
    count = 60
    truth = generator.permutation(count)
    scores = generator.normal(size=(count, count)).round(1)
    scores[truth, np.arange(count)] += 1.5
    flags = np.zeros(scores.shape, int)
    flags[truth, np.arange(count)] = 1
    found = link_scores(truth, scores, fpr=0.01)
    assert found.auc.value == pytest.approx(roc_auc_score(flags.ravel(), scores.ravel()))
    false, true, _ = roc_curve(flags.ravel(), scores.ravel(), drop_intermediate=False)
    assert found.tpr.value == pytest.approx(true[false <= 0.01].max())
    own = scores[truth, np.arange(count)]
    best = [own[column] > np.delete(scores[:, column], truth[column]).max() for column in range(count)]
    assert found.hits == sum(best)


def test_equal_scores_say_nothing():
    found = link_scores(np.arange(50), np.zeros((50, 50)))
    assert found.auc.value == 0.5
    assert found.hits == found.threshold_hits == 0
    with pytest.raises(UsageError, match="scores must be"):
        link_scores(np.arange(5), np.zeros((5, 4)))


def test_members_are_scored():
    member = np.arange(200) < 100
    auc, tpr = member_scores(member, np.where(member, 2.0, 1.0), fpr=0.01)
    assert auc.value == tpr.value == 1
    auc, tpr = member_scores(member, np.arange(200) % 100.0, fpr=0.01)
    assert auc.value == 0.5


def test_coins_are_asked(tiles):
    pair, generator = (tiles[0][0], tiles[0][1]), np.random.default_rng(0)

    def knows(encrypted):
        return np.array([int((image == pair[1]).all()) for image in encrypted])

    encrypt = new_key(Plain())
    assert tell_apart(pair, encrypt=encrypt, trials=40, generator=generator, player=knows) == 40
    blind = tell_apart(pair, encrypt=encrypt, trials=400, generator=generator, player=knows, noise=True)
    assert 140 < blind < 260


@pytest.mark.parametrize(("seconds", "expected"), [(0, 64), (3600, 256)])
def test_time_decides_how_many_images_are_encrypted(seconds, expected, tiles):
    encrypt = new_key(create_scheme("skk"))
    assert affordable(encrypt, tiles[0], times=3, budget=Budget(seconds=seconds)) == expected
    assert affordable(encrypt, tiles[0][:20], times=3, budget=Budget(seconds=seconds)) == 20
