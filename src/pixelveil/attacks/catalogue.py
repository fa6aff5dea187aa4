"""The catalogue: every attack by its name."""

from __future__ import annotations

from pixelveil.attacks.attack import Attack
from pixelveil.attacks.ciphertexts.brute_force import BruteForce
from pixelveil.attacks.ciphertexts.deconvolution import Deconvolution
from pixelveil.attacks.ciphertexts.energy import Energy
from pixelveil.attacks.ciphertexts.jigsaw import Jigsaw
from pixelveil.attacks.ciphertexts.leading_bit import LeadingBit
from pixelveil.attacks.ciphertexts.minimum_difference import MinimumDifference
from pixelveil.attacks.ciphertexts.minimum_difference_plus import MinimumDifferencePlus
from pixelveil.attacks.learned.gan_attack import GanAttack
from pixelveil.attacks.learned.inverse_network import InverseNetwork
from pixelveil.attacks.learned.pair_decoder import PairDecoder
from pixelveil.attacks.learned.sia_gan import SiaGan
from pixelveil.attacks.pairs.affine_plans import KnownPlaintextAffine
from pixelveil.attacks.pairs.chosen import ChosenPlaintext
from pixelveil.attacks.pairs.lane_plans import KnownPlaintextLanes
from pixelveil.attacks.public_images.statistics_ele import StatisticsEle
from pixelveil.attacks.public_images.statistics_etc import StatisticsEtc
from pixelveil.attacks.public_images.statistics_le import StatisticsLe
from pixelveil.attacks.public_images.statistics_skk import StatisticsSkk
from pixelveil.attacks.public_images.statistics_vit import StatisticsVit
from pixelveil.errors import UsageError

__all__ = ["ATTACKS", "create_attack", "list_attacks"]

ATTACKS: dict[str, type[Attack]] = {
    "brute-force": BruteForce,
    "chosen-plaintext": ChosenPlaintext,
    "deconvolution": Deconvolution,
    "energy": Energy,
    "gan-attack": GanAttack,
    "jigsaw": Jigsaw,
    "inverse-network": InverseNetwork,
    "known-plaintext-affine": KnownPlaintextAffine,
    "known-plaintext-lanes": KnownPlaintextLanes,
    "leading-bit": LeadingBit,
    "minimum-difference": MinimumDifference,
    "minimum-difference-plus": MinimumDifferencePlus,
    "pair-decoder": PairDecoder,
    "sia-gan": SiaGan,
    "statistics-ele": StatisticsEle,
    "statistics-etc": StatisticsEtc,
    "statistics-le": StatisticsLe,
    "statistics-skk": StatisticsSkk,
    "statistics-vit": StatisticsVit,
}


def list_attacks() -> tuple[str, ...]:
    """Return the names of all attacks."""
    return tuple(sorted(ATTACKS))


def create_attack(name: str) -> Attack:
    """Create an attack by name, with its default settings.

    Args:
        name: One of `list_attacks`.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in ATTACKS:
        raise UsageError(f"unknown attack {name!r}", hint=f"one of: {', '.join(list_attacks())}")
    return ATTACKS[name]()
