"""Measure how often the learned model foretells whether a command succeeds, on random transitions in ALFWorld rooms.

Rules are learned from official train games, or read from a store; nothing is learned while predicting. In each room a walk is played of
which half the commands are drawn from those that the engine would accept, and half are composed of the verbs of the game's own help and the
names seen so far, such that the engine would not accept them. The belief is kept from the texts alone.

    python benchmarks/prediction.py --games DIR --split valid_seen              # learns on 20 train games first
    python benchmarks/prediction.py --games DIR --split train --rules STORE --show 20

Every error is laid to what no text had told (two receptacles share a place, say), which is decided from the engine's hidden state, or
to the rules. What no text told may yet have been *shown*: what is handled or looked into is where one stands, and where one cannot go, one
is; such errors are counted apart. `--save DIR` keeps the rules that were learned.

Two lines say what could be had at best. *True rules, best guesses* knows the true rules and what the learned ones are given: what the
texts told. For each circumstance (the verb, and which conditions of the true rules are known to be true, to be false, or not at all) it
answers what happened more often in that circumstance on such walks in train rooms: those that nothing was learned in, and never the room
that it is asked about; in one not met there, what the true rules say. (To tell circumstances apart by kinds of receptacle as well made the
guesses worse, on train games.) It may so profit from how walks are drawn, which play does not tell: the name of a thing never seen comes
only from a command that would be accepted. *And all that was shown* knows, besides, which receptacles the outcomes of earlier commands
showed to share a place.
"""

import argparse
import os
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentwm.agent import Episode
from agentwm.evaluation.statistics import wilson_interval
from agentwm.minds import Agent
from agentwm.models.rule_model import AlignedModel
from agentwm.planners.anything import Anything
from agentwm.rules.binding import Cast
from agentwm.rules.language import fluent_names, parse_rule
from agentwm.rules.matching import bind, holds
from agentwm.rules.store import RuleStore, signature
from agentwm.types import Action, EnvironmentOptions, Fluent, Prediction, Query, State, Transition, Vocabulary
from agentwm_environments.alfworld import games
from agentwm_environments.alfworld.engine import Fact, Household
from agentwm_environments.alfworld.environment import AlfworldEnvironment, make
from agentwm_environments.alfworld.game import Game
from agentwm_environments.alfworld.laws import ORDINARY
from agentwm_environments.alfworld.tasks import OfficialGames
from agentwm_environments.alfworld.true_rules import true_rules

RULES = "told: the rules are wrong"
SHOWN = "shown, not told: two receptacles share a place"

TRUTH = tuple(parse_rule(line) for line in true_rules())
AT = Fluent("at")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Guess:
    """What the true rules answer to a command, and the circumstance that they see it in: the verb and the truth of conditions."""

    success: bool
    circumstance: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One transition: what was predicted, with rules and without, what happened, and what no text had told of it.

    ``unshown`` is what of the ``untold`` earlier commands had not shown either. ``truly`` is what the true rules make of what was told,
    ``at_best`` what they make of that and of what was shown.
    """

    task: str
    room: str
    step: int
    command: str
    verb: str
    predicted: Prediction
    without_rules: bool
    succeeded: bool
    untold: tuple[str, ...]
    unshown: tuple[str, ...]
    truly: Guess
    at_best: Guess
    belief: str

    @property
    def is_right(self) -> bool:
        """Whether success or failure was foretold."""
        return self.predicted.success == self.succeeded

    @property
    def cause(self) -> str:
        """What the error is laid to."""
        if not self.untold:
            return RULES
        return self.unshown[0] if self.unshown else SHOWN


def main() -> None:
    """Learn or load the rules, play the walks and print the tables."""
    options = _options()
    rules, learned_from, origin = _rules(options)
    began_s = time.monotonic()
    tasks = OfficialGames(
        games.find(Path(options.games), options.split), count=None, seed=options.seed, learning=True, laws=ORDINARY
    )
    environment = AlfworldEnvironment(tasks, admissible=True)
    rooms = _rooms(tasks.games, learned_from, options.rooms)
    cases = [case for task in rooms for case in _walk(environment, tasks.games[task], rules, options)]
    met = cases if options.split == "train" else _train_cases(learned_from, rules, options)
    print(
        f"{len(cases)} random transitions in {len(rooms)} {options.split} games ({options.steps} steps each at most, half of the "
        f"commands inadmissible, walks drawn by seed {options.seed}); rules: {origin}; {time.monotonic() - began_s:.0f} s\n"
    )
    _tell_scores(cases, met)
    _tell_numbers(rules)
    wrong = [case for case in cases if not case.is_right]
    _tell_causes("False failures (predicted to fail, succeeded)", [case for case in wrong if case.succeeded])
    _tell_causes("False successes (predicted to succeed, failed)", [case for case in wrong if not case.succeeded])
    _tell_examples(wrong, rules, options.show)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", default=os.environ.get("ALFWORLD_DATA"), help="official games (ALFWORLD_DATA)")
    parser.add_argument("--split", default="valid_seen", choices=games.SPLITS)
    parser.add_argument("--rules", type=Path, help="a rule store to predict with, instead of learning")
    parser.add_argument("--learn", type=int, default=20, help="train games to learn from (20)")
    parser.add_argument("--save", type=Path, help="where to keep what was learned")
    parser.add_argument("--rooms", type=int, help="how many games to walk in (all)")
    parser.add_argument("--steps", type=int, default=50, help="length of a walk (50)")
    parser.add_argument("--seed", type=int, default=0, help="of learning and of the walks (0)")
    parser.add_argument("--show", type=int, default=0, help="how many errors to show")
    options = parser.parse_args()
    if not options.games:
        parser.error("no official games: name their folder with --games or ALFWORLD_DATA")
    return options


def _rules(options: argparse.Namespace) -> tuple[RuleStore, Sequence[Game], str]:
    """Return the rules, the games that they are known to come from, and a phrase that says so."""
    # A store learned here with the same options comes from these games; of a stranger's nothing is known.
    listing = games.find(Path(options.games), "train")
    drawn = OfficialGames(listing, count=options.learn, seed=options.seed, learning=True, laws=ORDINARY).games
    if options.rules is not None:
        return RuleStore.load(options.rules), list(drawn.values()), f"those in {options.rules}"
    environment = make(
        EnvironmentOptions(split="train", learning=True, games=options.games, count=options.learn, seed=options.seed)
    )
    began_s = time.monotonic()
    rules = Agent.learn(environment, seed=options.seed).rules
    print(f"learned {len(rules)} rules in {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    if options.save is not None:
        rules.save(options.save)
    return rules, list(drawn.values()), f"learned from {len(drawn)} official train games, seed {options.seed}"


def _rooms(playable: dict[str, Game], learned_from: Sequence[Game], most: int | None) -> list[str]:
    """Return the games to walk in: of the train split only those in rooms that nothing was learned in."""
    tasks, rooms = {game.id for game in learned_from}, {game.room for game in learned_from}
    is_same_split = bool(tasks & playable.keys())
    fresh = [task for task, game in playable.items() if not is_same_split or game.room not in rooms]
    return fresh[:most]


def _train_cases(learned_from: Sequence[Game], rules: RuleStore, options: argparse.Namespace) -> list[Case]:
    """Return the transitions of walks in train rooms that nothing was learned in, to learn from them what to guess."""
    listing = games.find(Path(options.games), "train")
    tasks = OfficialGames(listing, count=None, seed=options.seed, learning=True, laws=ORDINARY)
    environment = AlfworldEnvironment(tasks, admissible=True)
    rooms = _rooms(tasks.games, learned_from, None)
    return [case for task in rooms for case in _walk(environment, tasks.games[task], rules, options)]


# --- the walk ---------------------------------------------------------------------------------------------------------


def _walk(
    environment: AlfworldEnvironment, game: Game, rules: RuleStore, options: argparse.Namespace
) -> Iterator[Case]:
    """Yield the transitions of one random walk, which ends early where it happens to win."""
    rng = random.Random(f"{options.seed} {game.id}")
    episode = Episode(environment, game.id)
    model = AlignedModel.symbolic(rules, episode.vocabulary)
    empty = AlignedModel.symbolic(RuleStore(), episode.vocabulary)
    truth = AlignedModel.symbolic(RuleStore(TRUTH), episode.vocabulary)
    anything = Anything(episode.vocabulary, rng=rng)
    twin = Household(game)  # plays along, for its hidden state
    read = episode.observation.text
    shown: dict[Pair, None] = {}
    for step in range(options.steps):
        if episode.is_over:
            break
        listed = episode.observation.actions or ()
        action = rng.choice(listed) if rng.random() < 0.5 else _inadmissible(anything, episode, listed)
        [prediction], [unlearned] = (each.predict([Query(episode.state, action)]) for each in (model, empty))
        believed, facts = _with_shared_places(episode.state, shown), set(twin.facts())
        untold, unshown = (tuple(_untold(action, belief, facts, read)) for belief in (episode.state, believed))
        truly, at_best = (
            _guess(truth, Query(belief, action), episode.vocabulary) for belief in (episode.state, believed)
        )
        transition = episode.step(action, prediction)
        shown |= dict.fromkeys(_shown_to_share(transition))
        command = episode.vocabulary.actions[action.verb].render(action.args)
        twin.step(command)
        read += episode.observation.text
        yield Case(
            game.id, game.room, step, command, action.verb, prediction, unlearned.success, transition.succeeded, untold, unshown, truly,
            at_best, _belief(action, transition.before),
        )  # fmt: skip


def _inadmissible(anything: Anything, episode: Episode, listed: Sequence[Action]) -> Action:
    while True:
        action = anything.command(Cast(episode.state))
        if action is not None and action not in listed and episode.vocabulary.actions[action.verb].parameters:
            return action


# --- what no text had told --------------------------------------------------------------------------------------------


def _untold(action: Action, belief: State, facts: set[Fact], read: str) -> Iterator[str]:
    """Yield what decides ``action`` and was not known from what has been ``read``: shared places, doors, where things are."""
    location = {fact[1]: fact[2] for fact in facts if fact[0] == "receptacleatlocation"}
    # Some official files have a thing in several receptacles at once.
    holders: dict[str, set[str]] = defaultdict(set)
    for fact in facts:
        if fact[0] == "inreceptacle":
            holders[fact[1]].add(fact[2])
    here = next(fact[2] for fact in facts if fact[0] == "atlocation")
    receptacles = {arg for arg in action.args if arg in location}.union(*(holders[arg] for arg in action.args))
    at = belief.get(AT)
    for name in sorted(receptacles):
        believed_here = at is not None and belief.get(Fluent("place", (name,))) == belief.get(
            Fluent("place", (str(at),))
        )
        if (location[name] == here) != believed_here:
            yield "untold: two receptacles share a place"
    for thing in (arg for arg in action.args if arg not in location):
        if not re.search(rf"\b{thing}\b", read):
            yield "untold: a thing never seen"
        elif {belief.get(Fluent("in", (thing,)), "nothing")} != (holders[thing] or {None}):
            yield "untold: where a thing is"
    # From afar a door decides nothing, nor does it for going and examining.
    nearby = {name for name in receptacles if location[name] == here and action.verb not in {"go to", "examine"}}
    for name in sorted(nearby):
        door = ("opened", name) in facts if ("openable", name) in facts else None
        if belief.get(Fluent("open", (name,)), "unseen") != door:
            yield "untold: whether a door is there, or open"


def _belief(action: Action, belief: State) -> str:
    """Return what was believed of the agent, of the arguments and of the places involved."""
    names = {*action.args, str(belief.get(AT))}
    names |= {str(belief[Fluent("in", (arg,))]) for arg in action.args if Fluent("in", (arg,)) in belief}
    shown = [
        f"{fluent}={value}"
        for fluent, value in sorted(belief.items())
        if fluent.name not in {"sort", "kind", "explored"} and (not fluent.args or fluent.args[0] in names)
    ]
    return ", ".join(shown)


# --- what could be had at best -----------------------------------------------------------------------------------------


def _shown_to_share(transition: Transition) -> Iterator[Pair]:
    """Yield receptacles that an outcome shows to be where the agent stands, each with the one that the agent went to.

    All that is handled or looked into is there, under any laws; so is what one fails to go to.
    """
    before, action = transition.before, transition.action
    here = before.get(AT)
    if here is None or transition.succeeded == (action.verb == "go to"):
        return
    for arg in action.args:
        holder = arg if before.get(Fluent("sort", (arg,))) == "receptacle" else before.get(Fluent("in", (arg,)))
        if holder not in (None, here):
            yield str(here), str(holder)


def _with_shared_places(belief: State, pairs: Iterable[Pair]) -> State:
    """Return ``belief`` with the places of each pair of receptacles made one."""
    known = dict(belief)
    for pair in pairs:
        places = {str(known.get(Fluent("place", (name,)), name)) for name in pair}
        if len(places) > 1:
            known |= {f: min(places) for f, value in known.items() if f.name == "place" and value in places}
    return known


def _guess(truth: AlignedModel, query: Query, vocabulary: Vocabulary) -> Guess:
    """Return what the true rules answer, and in which circumstance."""
    [said] = truth.predict([query])
    action, state = query.action, query.state
    rows = []
    for rule in TRUTH:
        bindings = bind(rule, action)
        if bindings is not None:
            row = [holds(condition, bindings, state, vocabulary) for condition in rule.when]
            of_kinds = (not {"kind", "sort"}.isdisjoint(fluent_names(condition)) for condition in rule.when)
            # A rule for things of other kinds tells nothing of the circumstance.
            if not any(is_of_kind and truth is False for is_of_kind, truth in zip(of_kinds, row, strict=True)):
                rows.append(row)
    return Guess(said.success, (action.verb, signature(rows)))


def _best_guesses(cases: Sequence[Case], met: Sequence[Case], guess: Callable[[Case], Guess]) -> Iterator[bool]:
    """Yield, for each case, what happened more often in its circumstance among those ``met`` in other rooms."""
    balance: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for case in met:
        balance[guess(case).circumstance][case.room] += 1 if case.succeeded else -1
    for case in cases:
        there = balance[guess(case).circumstance]
        elsewhere = there.total() - there[case.room]
        yield elsewhere > 0 if elsewhere else guess(case).success


# --- the tables -------------------------------------------------------------------------------------------------------


def _tell_scores(cases: Sequence[Case], met: Sequence[Case]) -> None:
    print(
        "| model | n | accuracy | 95 % | recall of failure | precision of failure | false failures | told ones | false successes |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    told = sum(not case.is_right and case.succeeded and not case.untold for case in cases)
    _tell_score("learned rules", [(case.predicted.success, case.succeeded) for case in cases], str(told))
    _tell_score("no rules", [(case.without_rules, case.succeeded) for case in cases], "")
    spoken = [(case.predicted.success, case.succeeded) for case in cases if case.predicted.source == "rules"]
    _tell_score("learned rules, where they speak", spoken, "")
    known = [(case.predicted.success, case.succeeded) for case in cases if not case.untold]
    _tell_score("learned rules, all told", known, str(told))
    happened = [case.succeeded for case in cases]
    guesses: dict[str, Callable[[Case], Guess]] = {
        "true rules, best guesses": lambda case: case.truly,
        "true rules, best guesses, and all that was shown": lambda case: case.at_best,
    }
    for name, guess in guesses.items():
        _tell_score(name, list(zip(_best_guesses(cases, met, guess), happened, strict=True)), "")


def _tell_score(name: str, pairs: Sequence[tuple[bool, bool]], told: str) -> None:
    right = sum(predicted == happened for predicted, happened in pairs)
    low, high = wilson_interval(right, len(pairs))
    failed = sum(not happened for _, happened in pairs)
    foretold = sum(not predicted for predicted, _ in pairs)
    both = sum(not predicted and not happened for predicted, happened in pairs)
    print(
        f"| {name} | {len(pairs)} | {_percent(right, len(pairs))} | {100 * low:.1f} to {100 * high:.1f} | {_percent(both, failed)} "
        f"| {_percent(both, foretold)} | {foretold - both} | {told} | {failed - both} |"
    )


def _tell_numbers(rules: RuleStore) -> None:
    times = len(rules) / len(TRUTH)
    print(f"\nThe truth needs {len(TRUTH)} rules; {len(rules)} were learned, {times:.2f} times as many.")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def _tell_causes(title: str, wrong: Sequence[Case]) -> None:
    causes = sorted({case.cause for case in wrong})
    print(f"\n{title}: {len(wrong)}")
    if not wrong:
        return
    counts = Counter((case.verb, case.cause) for case in wrong)
    print(f"\n| verb | {' | '.join(causes)} |\n|---{'|---' * len(causes)}|")
    for verb in sorted({case.verb for case in wrong}):
        print(f"| {verb} | {' | '.join(str(counts[verb, cause]) for cause in causes)} |")


def _tell_examples(wrong: Iterable[Case], rules: RuleStore, most: int) -> None:
    shown = sorted(wrong, key=lambda case: (case.cause != RULES, not case.succeeded, case.verb))[:most]
    for case in shown:
        what = "succeeded, predicted to fail" if case.succeeded else "failed, predicted to succeed"
        print(f"\n{case.command}: {what} ({case.predicted.confidence:.2f}); {'; '.join(case.untold) or RULES}")
        print(f"  {case.task} step {case.step}\n  believed: {case.belief}")
        for name in case.predicted.rules:
            print(f"  {rules.find(name).sentence()}")
        if not case.predicted.rules:
            print("  no rule spoke")


if __name__ == "__main__":
    main()
