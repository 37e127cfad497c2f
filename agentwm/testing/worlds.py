"""Worlds to test in: they need nothing installed, and rules that hold in them are given."""

from dataclasses import dataclass

from agentwm import build
from agentwm.agent import Episode
from agentwm.rules.language import parse_rule
from agentwm.rules.store import Record, RuleStore
from agentwm.types import EnvironmentOptions

__all__ = ["WORLDS", "World"]

EVIDENCE = 10**6  # transitions that speak for each rule: so many that next to nothing is doubted


@dataclass(frozen=True, slots=True)
class World:
    """The first task of an ``environment``, found by its name, and ``rules`` that hold in it, one a line."""

    environment: str
    rules: str

    @property
    def store(self) -> RuleStore:
        """The rules, ready to be planned by, as if they had never failed."""
        rules = tuple(map(parse_rule, self.rules.strip().splitlines()))
        return RuleStore(rules, {rule.id: Record(supports=EVIDENCE, origin="person") for rule in rules})

    def begin(self, *, lists: bool = False) -> Episode:
        """Return the task, just begun; observations list the admissible actions where ``lists`` is set."""
        options = EnvironmentOptions(split="test", count=1, admissible=lists)
        environment = build.environment(self.environment).make(options)
        return Episode(environment, environment.tasks()[0])


_GAMBLE = """
risky when kind(at()) is "fork" then 0.60 success: at() becomes "treasure"; or 0.40 success: at() becomes "pit"
safe when kind(at()) is "fork" then 1.00 success: at() becomes "corridor"
on when kind(at()) is "corridor" then 1.00 success: at() becomes "garden"
any action leading to kind(at()) is "treasure" then 1.00 success: reward 2, the end
any action leading to kind(at()) is "pit" then 1.00 success: reward -10, the end
any action leading to kind(at()) is "garden" then 1.00 success: reward 1, the end
"""

_PUSH = """
{0} when box({0}(at())) is false then 1.00 success: at() becomes {0}(at())
{0} when box({0}(at())) is true and box(beyond_{0}(at())) is false
 then 1.00 success: at() becomes {0}(at()), box({0}(at())) becomes false, box(beyond_{0}(at())) becomes true
"""

_SOKOBAN = "\n".join(
    [_PUSH.format(way).strip().replace("\n then", " then") for way in ("up", "down", "left", "right")]
    + ["any action leading to uncovered() is 0 then 1.00 success: reward 1, the end"]
)

_LOCKS = """
go ?d when open(?d) is true then 1.00 success: at() becomes beyond(?d)
open ?d when beyond(?d) is not nothing and some key ?k with (carried(?k) is true and colour(?k) is colour(?d)) then 1.00 success: open(?d) becomes true
close ?d when beyond(?d) is not nothing then 1.00 success: open(?d) becomes false
take ?k when in(?k) is at() then 1.00 success: in(?k) becomes nothing, carried(?k) becomes true
drop ?k when carried(?k) is true then 1.00 success: in(?k) becomes at(), carried(?k) becomes false
any action leading to kind(at()) is "treasury" then 1.00 success: reward 1, the end
"""  # noqa: E501 -- a rule a line

_HOUSEHOLD = """
go to ?r when place(at()) is not place(?r) then 1.00 success: at() becomes ?r
go to ?r when place(at()) is not place(?r) and open(?r) is not false then 1.00 success: explored(?r) becomes true
open ?r when place(at()) is place(?r) and open(?r) is false then 1.00 success: open(?r) becomes true, explored(?r) becomes true
close ?r when place(at()) is place(?r) and open(?r) is true then 1.00 success: open(?r) becomes false
take ?o ?r when in(?o) is ?r and place(at()) is place(?r) and open(?r) is not false and holding() is nothing then 1.00 success: holding() becomes ?o, in(?o) becomes nothing
move ?o ?r when holding() is ?o and place(at()) is place(?r) and open(?r) is not false then 1.00 success: holding() becomes nothing, in(?o) becomes ?r
use ?o when place(at()) is place(in(?o)) and kind(?o) is one of {"desklamp", "floorlamp"} then 1.00 success: on(?o) becomes true
heat ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "microwave" then 1.00 success: hot(?o) becomes true, cool(?o) becomes false
cool ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "fridge" then 1.00 success: cool(?o) becomes true, hot(?o) becomes false
clean ?o ?r when holding() is ?o and place(at()) is place(?r) and kind(?r) is "sinkbasin" then 1.00 success: clean(?o) becomes true
"""  # noqa: E501 -- a rule a line

WORLDS = (
    World("gamble", _GAMBLE),
    World("sokoban", _SOKOBAN),
    World("locks", _LOCKS),
    World("alfworld", _HOUSEHOLD),
)
"""Chance, a puzzle of pushing, doors that answer every action, and a household in which actions fail and much is hidden."""
