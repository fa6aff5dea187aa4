"""Model encryption: vision models that answer encrypted images exactly as they answer plain ones."""

from pixelveil.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("model encryption", extra="models") from error

from pixelveil.models.encrypt import encrypt_model, encrypt_model_with_plan
from pixelveil.models.info import StemInfo
from pixelveil.models.outputs import restore_tokens
from pixelveil.models.protection import EXPOSES, PROTECTION
from pixelveil.models.resemblance import Resemblance, warn_if_known
from pixelveil.models.stem import Stem, extract_stem, load_stem, rekey_stem
from pixelveil.models.storage import describe_model, load_model, read_stem, replace_stem, save_model, save_stem
from pixelveil.models.verify import Verification, verify_model, verify_model_with_plan

__all__ = [
    "EXPOSES",
    "PROTECTION",
    "Resemblance",
    "Stem",
    "StemInfo",
    "Verification",
    "describe_model",
    "encrypt_model",
    "encrypt_model_with_plan",
    "extract_stem",
    "load_model",
    "load_stem",
    "read_stem",
    "rekey_stem",
    "replace_stem",
    "restore_tokens",
    "save_model",
    "save_stem",
    "verify_model",
    "verify_model_with_plan",
    "warn_if_known",
]
