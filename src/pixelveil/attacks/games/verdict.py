"""From a game's figures to a verdict: the tiers of the NeuraCrypt challenge, and fixed rules for the other games."""

from __future__ import annotations

from dataclasses import dataclass

from pixelveil.attacks.games.game import GameResult
from pixelveil.attacks.intervals import Interval, of_share
from pixelveil.attacks.verdict import RULES, Rules, Verdict

__all__ = ["GAME_RULES", "GameJudgment", "GameRules", "judge_game"]


@dataclass(frozen=True, kw_only=True)
class GameRules:
    """The numbers that decide games, beside those of attacks.

    Args:
        trials: Fewest questions that a verdict can rest on.
        linking_tpr: Linked pairs at the declared false positive rate, from which linking is broken.
        linking_auc: Area under the curve, above which linking leaks.
        effect: Smallest gain over chance, as a share of what can be gained, that counts as a leak.
        confidence: Of gains over chance in single answers; a control that fails by chance would spoil a good figure.
        member_lift: Members found, in multiples of the false positive rate, from which membership leaks.
    """

    trials: int = 50
    linking_tpr: float = 0.10
    linking_auc: float = 0.55
    effect: float = 0.05
    confidence: float = 0.999
    member_lift: float = 5.0


GAME_RULES = GameRules()


@dataclass(frozen=True, kw_only=True)
class GameJudgment:
    """A verdict and why.

    Args:
        verdict: One of the six.
        criterion: The rule that decided, in words, with its figures.
    """

    verdict: Verdict
    criterion: str


def judge_game(
    result: GameResult,
    *,
    positive_passed: bool,
    negative_passed: bool = True,
    rules: Rules = RULES,
    game_rules: GameRules = GAME_RULES,
) -> GameJudgment:
    """Return the verdict on a game.

    Args:
        result: How it ended.
        positive_passed: Whether the player wins where it must.
        negative_passed: Whether the player is at chance on noise.
        rules: Tiers of identification.
        game_rules: The numbers for the other games.
    """
    if not positive_passed:
        return GameJudgment(verdict="INCONCLUSIVE", criterion="the player lost where it must win: it proves nothing")
    if not negative_passed:
        return GameJudgment(verdict="INCONCLUSIVE", criterion="the player won on noise: the game is at fault")
    if result.scale == "recovery":
        return _recovery(result)
    if result.trials < game_rules.trials:
        return GameJudgment(
            verdict="INCONCLUSIVE", criterion=f"{result.trials} questions are fewer than {game_rules.trials}"
        )
    if result.scale == "identification":
        return _identification(result, rules)
    if result.scale == "linking":
        return _linking(result, game_rules)
    if result.scale == "membership":
        return _membership(result, game_rules)
    sure = of_share(result.hits, result.trials, confidence=game_rules.confidence)
    words = f"{_percent(result.interval)} right answers; chance is {result.chance:.1%}"
    if sure.low > result.chance and result.advantage.value >= game_rules.effect:
        return GameJudgment(verdict="LEAK", criterion=words)
    return GameJudgment(verdict="NO LEAK FOUND", criterion=words)


def _recovery(result: GameResult) -> GameJudgment:
    words = f"{result.hits} of {result.trials} keys found"
    if result.hits:
        return GameJudgment(verdict="BROKEN", criterion=words)
    return GameJudgment(verdict="NO LEAK FOUND", criterion=words)


def _identification(result: GameResult, rules: Rules) -> GameJudgment:
    words = f"{_percent(result.interval)} identified; chance is {result.chance:.2%}"
    low = result.interval.low
    if low > max(rules.broken_share, rules.leak_chance * result.chance):
        return GameJudgment(verdict="BROKEN", criterion=words)
    if low > max(rules.serious_share, rules.leak_chance * result.chance):
        return GameJudgment(verdict="SERIOUS", criterion=words)
    if low > rules.leak_chance * result.chance:
        return GameJudgment(verdict="LEAK", criterion=words)
    return GameJudgment(verdict="NO LEAK FOUND", criterion=words)


def _linking(result: GameResult, rules: GameRules) -> GameJudgment:
    if result.tpr is not None and result.tpr.value >= rules.linking_tpr and result.tpr.low > result.fpr:
        words = f"{_percent(result.tpr)} of pairs linked at a false positive rate of {result.fpr:.1%}"
        return GameJudgment(verdict="BROKEN", criterion=words)
    if result.auc is None:
        return GameJudgment(verdict="INCONCLUSIVE", criterion="no scores were given")
    words = f"area under the curve {result.auc.value:.3f} [{result.auc.low:.3f}, {result.auc.high:.3f}]"
    if result.auc.low > rules.linking_auc:
        return GameJudgment(verdict="LEAK", criterion=words)
    return GameJudgment(verdict="NO LEAK FOUND", criterion=words)


def _membership(result: GameResult, rules: GameRules) -> GameJudgment:
    if result.tpr is None:
        return GameJudgment(verdict="INCONCLUSIVE", criterion="no scores were given")
    words = f"{_percent(result.tpr)} of members found at a false positive rate of {result.fpr:.1%}"
    if result.tpr.low > rules.member_lift * result.fpr:
        return GameJudgment(verdict="LEAK", criterion=words)
    return GameJudgment(verdict="NO LEAK FOUND", criterion=words)


def _percent(interval: Interval) -> str:
    return f"{interval.value:.1%} [{interval.low:.1%}, {interval.high:.1%}]"
