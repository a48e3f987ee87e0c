"""Pairs of questions, with numbers, names and dates that are drawn anew in each run, so that no list can be learnt."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, empty, greater_than_or_equal_to

from support.capabilities.llm_response_caching_redis.calls import Given, made_for_others, number_of
from support.capabilities.llm_response_caching_redis.client import Question
from support.clients.model_provider_control import Near
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

EMBEDDER = "embed-a"  # by which the gateways find questions alike
_NAMES = ("Alice", "Bruno", "Chidi", "Dana", "Emil", "Farah", "Greta", "Hugo", "Ines", "Jonas")
_CITIES = ("Rome", "Oslo", "Lima", "Cairo", "Quito", "Delhi", "Porto", "Turin", "Ghent", "Malmo")
_TIMES = 2
_RULES = "You answer customers of a shop. Be polite, be brief, and never promise what is not written here. " * 12


class Drawn:
    """What one pair is about."""

    def __init__(self) -> None:
        self.name, self.other = random.sample(_NAMES, 2)
        self.city, self.town = random.sample(_CITIES, 2)
        self.number, self.year = random.randint(12, 99_999), random.randint(1990, 2024)


Texts = Callable[[Drawn], tuple[str, str]]
DIFFERENT: Mapping[str, Texts] = {
    "a number": lambda d: (f"Transfer {d.number} dollars to {d.name}", f"Transfer {d.number}0 dollars to {d.name}"),
    "two digits": lambda d: (f"Where is order 1234567-{d.number}?", f"Where is order 7654321-{d.number}?"),
    "a decimal point": lambda d: (f"Is a dose of 3.5 mg right for case {d.number}?",
                                  f"Is a dose of 35 mg right for case {d.number}?"),
    "a sign": lambda d: (f"Is {d.number} degrees too cold?", f"Is -{d.number} degrees too cold?"),
    "a name": lambda d: (f"When does {d.name} start in {d.city}?", f"When does {d.other} start in {d.city}?"),
    "a date": lambda d: (f"What was our profit in May {d.year}?", f"What was our profit in May {d.year + 1}?"),
    "the time of day": lambda d: (f"Wake {d.name} at 5 am in {d.city}", f"Wake {d.name} at 5 pm in {d.city}"),
    "not": lambda d: (f"Which rooms of house {d.number} are free?", f"Which rooms of house {d.number} are not free?"),
    "a prefix": lambda d: (f"Is it safe to mix {d.number} with water?", f"Is it unsafe to mix {d.number} with water?"),
    "the opposite": lambda d: (f"How do I enable alarm {d.number}?", f"How do I disable alarm {d.number}?"),
    "the direction": lambda d: (f"How long is the flight from {d.city} to {d.town}?",
                                f"How long is the flight from {d.town} to {d.city}?"),
    "to or from": lambda d: (f"Which trains run to {d.city} {d.number}?",
                             f"Which trains run from {d.city} {d.number}?"),
    "by or on a day": lambda d: (f"Can {d.number} arrive by Monday?", f"Can {d.number} arrive on Monday?"),
    "and, or or": lambda d: (f"Is room {d.number} dry and warm?", f"Is room {d.number} dry or warm?"),
    "who is compared with whom": lambda d: (f"Is {d.name} older than {d.other}?", f"Is {d.other} older than {d.name}?"),
    "the unit": lambda d: (f"Is {d.number} km too far to walk?", f"Is {d.number} miles too far to walk?"),
    "the language": lambda d: (f"Translate letter {d.number} into German", f"Translate letter {d.number} into French"),
    "a word that limits": lambda d: (f"Show invoice {d.number} to {d.name}",
                                     f"Show just invoice {d.number} to {d.name}"),
    "signs at the end": lambda d: (f"How do I sort {d.number} names in C?", f"How do I sort {d.number} names in C++?"),
    "a share": lambda d: (f"Can I have a discount of {d.number}", f"Can I have a discount of {d.number} %"),
    "a capital letter": lambda d: (f"Who sells polish near {d.city}?", f"Who sells Polish near {d.city}?"),
}  # fmt: skip
SAME: Mapping[str, Callable[[str], str]] = {
    "the first letter small": lambda text: text[0].lower() + text[1:],
    "no question mark": lambda text: text.rstrip("?"),
    "please": lambda text: f"Please, {text[0].lower()}{text[1:]}",
    "please at the end": lambda text: f"{text.rstrip('?')}, please?",
    "a contraction": lambda text: text.replace("What is", "What's"),
    "more blanks": lambda text: f" {text.replace(' ', '  ', 4)} ",
}


def in_other_words(text: str) -> list[str]:
    """What asks the same as `text`: in each form, and each of these in each form once more."""
    once = [form(text) for form in SAME.values()]
    return [
        other
        for other in dict.fromkeys([*once, *(form(one) for one in once for form in SAME.values())])
        if other != text
    ]


class Pair(NamedTuple):
    """Two questions of one customer, and what they differ in."""

    kind: str
    customer: str
    one: Question
    other: Question


class Pairs:
    """Each pair belongs to a customer of its own. To the embedder the two are as near as is said, whatever they say."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._given: list[Given] = []
        self._pairs: list[Pair] = []
        self._shared: dict[str, bool] = {}

    def _ask_different(self, kinds: Sequence[str], times: int, cosine: float) -> None:
        """`times` pairs of each of `kinds`, of that `cosine`; also with long rules before both."""
        drawn = [(kind, *DIFFERENT[kind](Drawn())) for kind in kinds for _ in range(times)]
        self._pairs = [self._pair(kind, _words(one), _words(other)) for kind, one, other in drawn]
        self._pairs += [
            self._pair(f"{kind}, after long rules", _ruled(one), _ruled(other)) for kind, one, other in drawn
        ]
        self._ask(cosine)

    def ask_apart(self, times: int, cosine: float) -> None:
        """Pairs that differ in an article only, and that the embedder tells apart."""
        texts = [f"Who is the owner of account {Drawn().number}?" for _ in range(times)]
        self._pairs = [self._pair("an article", _words(one), _words(one.replace(" the ", " an "))) for one in texts]
        self._ask(cosine)

    def _ask_same(self, kinds: Sequence[str], times: int, cosine: float) -> None:
        """`times` pairs of each of `kinds` that ask the same in other words."""
        texts = [(kind, self._fair(Drawn())) for kind in kinds for _ in range(times)]
        self._pairs = [self._pair(kind, _words(text), _words(SAME[kind](text))) for kind, text in texts]
        self._ask(cosine)

    def ask(self, kinds: Sequence[str], times: int, cosine: float) -> None:
        """Pairs that differ in what matters, or in what does not."""
        (self._ask_same if set(kinds) <= SAME.keys() else self._ask_different)(kinds, times, cosine)

    def expect_own_each(self) -> None:
        """Nobody was given the answer to another question."""
        kinds = {pair.customer: pair.kind for pair in self._pairs}
        wrong = [(kinds[one.customer], one.question.text) for one in made_for_others(self._world, self._given)]
        assert_that(wrong, empty(), "questions that got an answer that is not theirs, and what they differ in")

    def expect_own_after_another_history(self) -> None:
        """The same after something else was said, or by somebody else."""
        more = [pair for _ in range(_TIMES) for pair in self._with_another_history()]
        self._pairs += more
        for_each(more, self._ask_both)
        self.expect_own_each()

    def expect_shared(self, percent: int) -> None:
        """So many of those that ask the same were answered by one call, and no other answer was given to any."""
        self.expect_own_each()
        apart = [pair.kind for pair in self._pairs if not self._shared[pair.customer]]
        shared = 100 * (len(self._pairs) - len(apart)) / len(self._pairs)
        assert_that(shared, greater_than_or_equal_to(percent), f"% that was paid for once; paid for twice: {apart}")

    def _ask(self, cosine: float) -> None:
        near = [Near(EMBEDDER, pair.other.text, pair.one.text, cosine) for pair in self._pairs]
        self._world.provider.pin([one for one in near if one.text != one.other])
        for_each(self._pairs, self._ask_both)

    def _ask_both(self, pair: Pair) -> None:
        nodes, alike = self._world.nodes, [pair.one] if pair.kind in SAME else []
        asked = ((pair.one, nodes[0]), (pair.other, nodes[1]), (pair.other, nodes[0]))
        answers = [(question, gateway.ask(pair.customer, question)) for question, gateway in asked]
        self._given.extend(Given(pair.customer, question, answer, alike) for question, answer in answers)
        self._shared[pair.customer] = len({number_of(answer) for _, answer in answers}) == 1

    def _pair(self, kind: str, one: list[dict[str, str]], other: list[dict[str, str]]) -> Pair:
        return Pair(kind, self._world.fresh("customer"), Question(one), Question(other))

    def _with_another_history(self) -> list[Pair]:
        drawn, last = Drawn(), _words("Which of them is the cheaper one?")
        one, other = (_words(f"I look at {drawn.number} and {name}.") for name in (drawn.name, drawn.other))
        said = {"role": "system", "content": one[0]["content"]}
        return [
            self._pair("what was said before", one + last, other + last),
            self._pair("who said it before", one + last, [said, *last]),
        ]

    @staticmethod
    def _fair(drawn: Drawn) -> str:
        return f"What is the delivery time for order {drawn.number} from {drawn.city} to {drawn.town}?"


def _words(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def _ruled(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": _RULES}, *_words(text)]
