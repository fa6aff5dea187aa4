from pixelveil import create_scheme
from pixelveil.attacks.attack import Budget
from pixelveil.attacks.games import judge_game
from pixelveil.attacks.games.encoder_recovery import EncoderRecovery
from pixelveil.attacks.games.matching import Matching


def test_a_copy_says_which_encoding_an_unseen_image_has(deck_of):
    result = EncoderRecovery(gallery=60, rounds=3).play(create_scheme("vit-orthogonal", block_size=4), deck_of(256))
    assert result.trials == 60
    assert result.interval.low > 0.5
    assert judge_game(result, positive_passed=True).verdict == "BROKEN"


def test_little_time_and_large_images_leave_fewer(deck_of):
    scheme = create_scheme("vit-orthogonal", block_size=4)
    result = EncoderRecovery(patches=96 * 64).play(scheme, deck_of(256), budget=Budget(seconds=0))
    assert (result.facts["images"], result.trials) == (64, 32)
    assert result.hits > 16


def test_noise_has_no_encoder(deck_of):
    deck = deck_of(160, noise=True)
    result = EncoderRecovery(rounds=2).play(create_scheme("vit-orthogonal", block_size=8), deck)
    assert judge_game(result, positive_passed=True).verdict == "NO LEAK FOUND"


def test_matching_uses_it(deck_of):
    scheme = create_scheme("neuracrypt", block_size=8, hidden=96, depth=1)
    result = Matching().play(scheme, deck_of(256))
    assert result.facts["matched by"] == "a copy of the encoder"
    assert result.interval.low > 0.1
