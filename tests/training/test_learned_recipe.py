import json

import pytest

from pixelveil.errors import UsageError
from pixelveil.training.learned_recipe import RECIPES, Recipe, learning_rate_in, recipe_for


def test_the_published_recipe():
    recipe = RECIPES["image-to-perturbation"]
    assert (recipe.network, recipe.width, recipe.depth) == ("unet", 64, 5)
    assert (recipe.optimizer, recipe.learning_rate, recipe.momentum, recipe.weight_decay) == ("sgd", 0.1, 0.9, 5e-4)
    assert (recipe.epochs, recipe.batch_size, recipe.border, recipe.flip) == (200, 128, 4, True)
    assert (recipe.feature_weight, recipe.pixel_weight, recipe.opponent) == (0.01, 0.0, False)


def test_rates_fall_at_60_120_and_160_of_200_and_in_proportion():
    recipe = RECIPES["image-to-perturbation"]
    rates = [learning_rate_in(epoch, recipe=recipe) for epoch in range(1, 201)]
    falls = [epoch for epoch in range(1, 200) if rates[epoch] != rates[epoch - 1]]
    assert falls == [60, 120, 160]
    assert rates[-1] == pytest.approx(0.1 * 0.2**3)
    short = [learning_rate_in(epoch, recipe=recipe_for("image-to-perturbation", epochs=10)) for epoch in range(1, 11)]
    assert short == pytest.approx([0.1] * 3 + [0.02] * 3 + [0.004] * 2 + [0.0008] * 2)


def test_linear_rates_stay_then_fall_towards_zero():
    recipe = recipe_for("gan-transform", epochs=8)
    rates = [learning_rate_in(epoch, recipe=recipe) / recipe.learning_rate for epoch in range(1, 9)]
    assert rates == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_parameters_are_taken_over():
    recipe = recipe_for("gan-transform", {"width": 8, "feature_weight": 1}, epochs=3, batch_size=16)
    assert (recipe.network, recipe.width, recipe.feature_weight) == ("generator", 8, 1.0)
    assert (recipe.epochs, recipe.batch_size, recipe.depth) == (3, 16, 6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"block_size": 4}, "no parameter 'block_size'"),
        ({"network": "unet"}, "no parameter 'network'"),
        ({"width": "8"}, "width must be int, not '8'"),
        ({"width": 0}, "width must be at least 1"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"flip": 1}, "flip must be bool"),
        ({"perceptual": "lpips"}, "perceptual must be one of"),
        ({"optimizer": "lion"}, "optimizer must be one of"),
        ({"learning_rate": 0}, "must be positive"),
        ({"feature_weight": -0.1}, "not negative"),
        ({"feature_weight": float("nan")}, "finite"),
        ({"perceptual": "vgg16"}, "needs the network's weights"),
    ],
)
def test_what_is_wrong_is_named(parameters, message):
    with pytest.raises(UsageError, match=message):
        recipe_for("image-to-perturbation", parameters)


def test_other_schemes_have_no_network():
    with pytest.raises(UsageError, match="skk has no network to train"):
        recipe_for("skk")


def test_facts_are_json_and_name_no_file():
    recipe = Recipe(network="unet", vgg="/home/me/vgg.safetensors", classifier="psi.safetensors")
    facts = json.loads(json.dumps(recipe.facts))
    assert facts["perceptual"] == "vgg16"
    assert RECIPES["gan-transform"].facts["perceptual"] == "random"
    assert not {"vgg", "classifier"} & facts.keys()
