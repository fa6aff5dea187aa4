import pytest

from pixelveil.schemes import SCHEMES
from pixelveil.schemes.published import PUBLISHED


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_figures_are_percentages_of_schemes_that_exist(name):
    assert name in SCHEMES
    for figure in PUBLISHED[name]:
        assert 0 < figure.encrypted <= 100
        assert figure.plain is None or figure.encrypted <= figure.plain or "AdaptNet" in figure.network
        assert all(text.strip() for text in (figure.dataset, figure.network, figure.source))


def test_the_report_of_the_founders_is_quoted_whole():
    """Its Table 1: Tanaka 87.02, pixel-based 86.66, GAN-based 82.55 of 91.55; ViT 99.03 of 99.03."""
    quoted = {
        (figure.plain, figure.encrypted)
        for figures in PUBLISHED.values()
        for figure in figures
        if figure.source.endswith("report (2023), Table 1")
    }
    assert quoted == {(91.55, 87.02), (91.55, 86.66), (91.55, 82.55), (99.03, 99.03)}


def test_the_report_means_by_pixel_based_the_scheme_with_a_key_per_image():
    assert [one.encrypted for one in PUBLISHED["skk"] if one.plain == 91.55] == [86.66]
    assert "smkk" not in PUBLISHED
