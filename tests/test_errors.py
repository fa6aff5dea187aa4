import inspect

import pytest

from pixelveil import errors
from pixelveil.errors import MissingExtraError, PixelveilError, PixelveilWarning, VerificationError

EXIT_CODES = {
    "BudgetError": 4,
    "ImageError": 3,
    "IntegrityError": 4,
    "KeyFileError": 4,
    "MissingExtraError": 2,
    "OutOfTimeError": 2,
    "PixelveilError": 1,
    "RequirementError": 5,
    "UnsupportedModelError": 2,
    "UsageError": 2,
    "VerificationError": 4,
}


def test_every_error_has_its_exit_code():
    found = {name: kind.exit_code for name, kind in vars(errors).items() if _is_error(kind)}
    assert found == EXIT_CODES


def _is_error(kind):
    return inspect.isclass(kind) and issubclass(kind, PixelveilError)


@pytest.mark.parametrize("name", EXIT_CODES)
def test_every_error_is_caught_by_the_base_and_listed(name):
    kind = getattr(errors, name)
    assert issubclass(kind, PixelveilError)
    assert name in errors.__all__
    assert (kind.__doc__ or "").strip()


@pytest.mark.parametrize(
    "name", sorted(set(EXIT_CODES) - {"MissingExtraError", "VerificationError"}), ids=lambda name: name
)
def test_message_and_hint_are_one_line_together(name):
    kind = getattr(errors, name)
    error = kind("what is wrong", hint="what to do")
    assert str(error) == "what is wrong (what to do)"
    assert (error.message, error.hint, error.args) == ("what is wrong", "what to do", ("what is wrong",))
    assert str(kind("alone")) == "alone"


def test_errors_are_also_what_python_programs_expect():
    assert issubclass(errors.UsageError, ValueError)
    assert issubclass(MissingExtraError, ImportError)


def test_a_missing_extra_names_the_command_that_installs_it():
    error = MissingExtraError("encrypting models", extra="models")
    assert str(error) == "encrypting models needs an optional part (pip install 'pixelveil[models]')"
    assert (error.feature, error.extra) == ("encrypting models", "models")


def test_a_failed_verification_carries_the_difference():
    error = VerificationError("logits differ", difference=0.5, hint="do not deploy it")
    assert (error.difference, str(error)) == (0.5, "logits differ (do not deploy it)")


def test_the_warning_is_no_error():
    assert issubclass(PixelveilWarning, UserWarning)
    assert not issubclass(PixelveilWarning, PixelveilError)
    assert set(errors.__all__) == {*EXIT_CODES, "PixelveilWarning"}
