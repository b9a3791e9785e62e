"""Where a search's configurations come from: the oracle, the one network of the tutorials, or an earlier fit."""

from dataclasses import dataclass, replace

from forecastr.evaluation import are_prices
from forecastr.fitting.plan import Plan
from forecastr.fitting.scores import history_of
from forecastr.models.config import CLASSIC, PRETRAINED, NetworkConfig
from forecastr.search.proposer import Proposer
from forecastr.search.trials import Proposals

TUTORIAL_EPOCHS = 100
PRETRAINED_TRIAL = 1  # the second: with one trial, it is one that has learned from the data


def make_proposals(plan: Plan, *, jobs: int) -> Proposals:
    """Return the proposals of a plan's preset."""
    if plan.configs:
        return ListedProposals(plan.configs)
    if plan.task.preset == "classic":
        return ListedProposals((classic_config(plan),))
    return OracleProposals(plan, jobs=jobs)


def classic_config(plan: Plan) -> NetworkConfig:
    """Return the tutorials' network, with as many updates as its 100 epochs over all training windows."""
    context = plan.task.context_length or CLASSIC.context_length
    windows = int((plan.train_store.lengths - context).clip(min=1).sum())
    updates = TUTORIAL_EPOCHS * -(-windows // CLASSIC.batch_size)
    return replace(CLASSIC, context_length=context, updates=updates)


def pretrained_config(plan: Plan) -> NetworkConfig | None:
    """Return the network that needs no training, of as much context as there is; None for prices or two seasons."""
    if len(plan.task.season_lengths) > 1 or _of_prices(plan):
        return None
    return replace(PRETRAINED, context_length=min(PRETRAINED.context_length, plan.space.contexts[-1]))


def _of_prices(plan: Plan) -> bool:
    """Whether the series look like prices before validation: of those nothing can be learned elsewhere."""
    return plan.task.season_length == 1 and are_prices(*history_of(plan.known_store, plan.validation))


@dataclass(eq=False)
class ListedProposals:
    """Configurations that are known beforehand, each once."""

    configs: tuple[NetworkConfig, ...]
    asked: int = 0

    @property
    def ready(self) -> bool:
        """Always: they depend on nothing."""
        return True

    def ask(self) -> NetworkConfig | None:
        """Return the next configuration."""
        self.asked += 1
        return self.configs[self.asked - 1] if self.asked <= len(self.configs) else None

    def tell(self, number: int, score: float | None) -> None:
        """Ignore the score: nothing that follows depends on it."""


class OracleProposals:
    """Keras Tuner's proposals, as configurations, and among the first a network that needs no training."""

    def __init__(self, plan: Plan, *, jobs: int) -> None:
        self.space, self.pretrained = plan.space, pretrained_config(plan)
        self.proposer = Proposer(plan.space, seed=plan.task.seed, lag=2 * jobs)
        self.asked = 0

    @property
    def ready(self) -> bool:
        """Whether the results that the next proposal rests on are in."""
        return self._is_pretrained(self.asked) or self.proposer.ready

    def ask(self) -> NetworkConfig | None:
        """Return the next configuration."""
        self.asked += 1
        if self._is_pretrained(self.asked - 1):
            return self.pretrained
        values = self.proposer.ask()
        return None if values is None else self.space.config(values)

    def tell(self, number: int, score: float | None) -> None:
        """Pass a score on: the oracle counts its own proposals."""
        if not self._is_pretrained(number):
            before = self.pretrained is not None and number > PRETRAINED_TRIAL
            self.proposer.tell(number - before, score)

    def _is_pretrained(self, number: int) -> bool:
        return self.pretrained is not None and number == PRETRAINED_TRIAL
