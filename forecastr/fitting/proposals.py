"""Where a search's configurations come from: the oracle, or the one network of the tutorials."""

from dataclasses import dataclass, replace

from forecastr.fitting.plan import Plan
from forecastr.models.config import CLASSIC, NetworkConfig
from forecastr.search.proposer import Proposer
from forecastr.search.trials import Proposals

TUTORIAL_EPOCHS = 100


def make_proposals(plan: Plan, *, jobs: int) -> Proposals:
    """Return the proposals of a plan's preset."""
    if plan.task.preset == "classic":
        return OneProposal(classic_config(plan))
    return OracleProposals(plan, jobs=jobs)


def classic_config(plan: Plan) -> NetworkConfig:
    """Return the tutorials' network, with as many updates as its 100 epochs over all training windows."""
    context = plan.task.context_length or CLASSIC.context_length
    windows = int((plan.train_store.lengths - context).clip(min=1).sum())
    updates = TUTORIAL_EPOCHS * -(-windows // CLASSIC.batch_size)
    return replace(CLASSIC, context_length=context, updates=updates)


@dataclass(eq=False)
class OneProposal:
    """A single configuration."""

    config: NetworkConfig
    asked: bool = False

    @property
    def ready(self) -> bool:
        """Always: it depends on nothing."""
        return True

    def ask(self) -> NetworkConfig | None:
        """Return the configuration once."""
        first, self.asked = not self.asked, True
        return self.config if first else None

    def tell(self, number: int, score: float | None) -> None:
        """Ignore the score: there is nothing more to propose."""


class OracleProposals:
    """Keras Tuner's proposals, as configurations."""

    def __init__(self, plan: Plan, *, jobs: int) -> None:
        self.space = plan.space
        self.proposer = Proposer(plan.space, seed=plan.task.seed, lag=2 * jobs)

    @property
    def ready(self) -> bool:
        """Whether the results that the next proposal rests on are in."""
        return self.proposer.ready

    def ask(self) -> NetworkConfig | None:
        """Return the next configuration."""
        values = self.proposer.ask()
        return None if values is None else self.space.config(values)

    def tell(self, number: int, score: float | None) -> None:
        """Pass a score on."""
        self.proposer.tell(number, score)
