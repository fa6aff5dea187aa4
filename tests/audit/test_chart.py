import pytest

from pixelveil.attacks.intervals import Interval
from pixelveil.audit.chart import HEIGHT, WIDTH, chart


def test_points_lie_where_their_figures_are(fakes):
    points = [
        fakes.cell(kind="lifetime", images=number, ssim=Interval(value, value - 0.1, value + 0.1))
        for number, value in ((1, 0.1), (10, 0.5), (100, 1.0))
    ]
    drawn = chart(points)
    first, middle, last = drawn.dots
    assert middle.x == pytest.approx((first.x + last.x) / 2, abs=0.1)
    assert first.y > middle.y > last.y
    assert middle.high < middle.y < middle.low
    assert last.high >= 0
    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in drawn.dots)
    assert drawn.line.count(",") == drawn.floor.count(",") == 3


def test_one_point_none_and_points_without_figures(fakes):
    assert len(chart([fakes.cell(images=1)]).dots) == 1
    assert chart([]).dots == []
    assert chart([fakes.cell(ssim=None)]).line == ""


def test_what_is_below_zero_lies_on_the_floor(fakes):
    (dot,) = chart([fakes.cell(images=5, ssim=Interval(-0.2, -0.3, -0.1))]).dots
    assert dot.y == dot.low == dot.high
