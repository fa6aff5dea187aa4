"""A client who works with the server: with its own key it turns its own stem back into the base, and reads all others.

The client's plan undoes what was absorbed, ``K = K'_1 A_1`` and ``k = k'_1 + K'_1 c_1``, exactly. The base is the same
for all clients, and with it the server decodes everybody's tokens. One colluding client ends the secrecy of a secret
base, for all clients and all keys, past and future.

Source: the design study of this project.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from pixelveil.attacks.attack import Access, Budget, Reconstruction
from pixelveil.attacks.stem.evidence import Client, ModelEvidence, held
from pixelveil.attacks.stem.model_attack import ModelAttack
from pixelveil.attacks.stem.tokens import PlainTokens

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ColludingClient", "base_of_client"]


def base_of_client(client: Client) -> dict[str, Tensor]:
    """Return the plain stem that a client's stem was made from, float64, under the stem's names.

    Args:
        client: Its plan and its stem.

    Raises:
        UnsupportedModelError: The plan is not one that the stem can have absorbed.
    """
    from pixelveil.models.absorb import restore
    from pixelveil.models.planning import undo_of

    info, layout = client.stem.info, client.stem.info.layout
    undo = undo_of(client.plan, layout=layout)
    tensors, before = restore(client.stem.tensors, layout=layout, undo=undo, mean=info.mean, std=info.std)
    if before.form == "dense":
        # All positions hold the one kernel again; embeddings are read in the plain form.
        tensors |= {name: tensors[name][0] for name in (before.embedding.weight, before.embedding.bias) if name}
    return tensors


@dataclass(frozen=True, kw_only=True)
class ColludingClient(ModelAttack):
    """Take the base from a client's stem with the client's key, then decode the tokens of all other clients.

    It breaks every deployment in which clients have keys of their own for one model, at any width of the embedding
    that `PlainTokens` reads. A client of another base gives nothing.
    """

    name: ClassVar[str] = "colluding-client"
    title: ClassVar[str] = "One client and the server read all other clients"
    citation: ClassVar[str] = "design study of this project"
    access: ClassVar[Access] = "client"
    cost: ClassVar[str] = "one matrix product, then as plain-tokens"
    needs: ClassVar[tuple[str, ...]] = ("client",)

    def run(
        self,
        evidence: ModelEvidence,
        *,
        budget: Budget | None = None,
        advance: Callable[[int, int], None] | None = None,
    ) -> Reconstruction:
        """Read the victims; see `ModelAttack.run`. The work is one pass, so that the budget is not looked at."""
        self.check(evidence)
        base = base_of_client(held(evidence.client, "client"))
        return PlainTokens().run(replace(evidence, base=base), budget=budget, advance=advance)
