import pytest

models = pytest.importorskip("benchmarks.claims_models", reason="benchmarks are run in a checkout")

from benchmarks.crops import crops  # noqa: E402 - after the check for a checkout


def test_the_server_reads_with_the_base_and_not_with_another_one():
    bases = models.small_bases(steps=1)
    plain, public = crops(("astronaut", "coffee"), 4), crops(("rocket",), 4, seed=1)
    for row in models.server(bases, plain, public):
        if row["base"] == "own":
            assert row["ssim"]["value"] > 0.9
        else:
            assert row["ssim"]["value"] < 0.2
        assert row["ssim_control"]["value"] < 0.2
        assert row["verdict"] == "INCONCLUSIVE"  # four victims are too few


def test_gradients_show_ciphertexts_without_the_base_and_images_with_it():
    rows = models.gradients(models.small_bases(steps=1), crops(("astronaut",), 2))
    for row in rows:
        assert (row["ssim"]["value"] > 0.9) == (row["base"] == "own")
