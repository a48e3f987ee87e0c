"""The fields of a request: those that shape the answer, and those that do not (openai's CompletionCreateParams)."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, empty

from support.capabilities.llm_response_caching_redis.calls import Given, expect_own_each, number_of
from support.capabilities.llm_response_caching_redis.client import Question
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_TOOL = {"function": {"name": "look_up", "parameters": {}}}
SHAPING: Mapping[str, Any] = {
    "audio": {"voice": "alloy", "format": "mp3"},
    "frequency_penalty": 0.5,
    "function_call": "none",
    "functions": [{"name": "look_up", "parameters": {}}],
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 500,
    "max_tokens": 500,
    "modalities": ["text"],
    "moderation": {"model": "strict"},
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"content": "x"},
    "presence_penalty": 0.5,
    "reasoning_effort": "low",
    "response_format": {"json_schema": {"name": "price"}},
    "seed": 7,
    "service_tier": "flex",
    "stop": ["\n"],
    "temperature": 0.7,
    "tool_choice": "none",
    "tools": [_TOOL],
    "top_logprobs": 2,
    "top_p": 0.5,
    "verbosity": "low",
    "web_search_options": {},
    "a_field_of_tomorrow": 1,
}
NOT_SHAPING: Mapping[str, Any] = {
    "metadata": {"team": "a"},
    "prompt_cache_key": "a",
    "prompt_cache_options": {},
    "prompt_cache_retention": "24h",
    "safety_identifier": "a",
    "store": True,
    "user": "ada",
}


class Fields:
    """One question for each field, each of a customer of its own: asked, asked again, and asked changed."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._asked = time.monotonic()
        self._given: dict[str, list[Given]] = {}
        self._paid: dict[str, tuple[int, int, int]] = {}

    def change_shaping(self) -> None:
        """A field comes, then has another value; messages change in each of their parts."""
        for_each([*SHAPING], lambda name: self._three(name, _with(name, SHAPING[name])))
        for_each([*_MESSAGES], lambda name: self._three(name, Question(_MESSAGES[name][1]), _MESSAGES[name][0]))
        self._three("model", Question(self._world.words("model"), "large"))
        self._read_meter()

    def change_others(self) -> None:
        """A field comes that says nothing of the answer; members come in another order."""
        for_each([*NOT_SHAPING], lambda name: self._three(name, _with(name, NOT_SHAPING[name])))
        ordered, other = {"temperature": 0, "seed": 7}, {"seed": 7, "temperature": 0}
        words = self._world.words("order")
        self._three("order of members", Question(words, fields=other), words, ordered)
        self._read_meter()

    def expect_paid(self, again: int, changed: int) -> None:
        """Asking again cost `again` calls, asking changed `changed`. AssertionError with the fields that did not."""
        wrong = {name: paid for name, paid in self._paid.items() if paid != (1, 1 + again, 1 + again + changed)}
        spared = {name: paid for name, paid in wrong.items() if paid[2] < 1 + again + changed}
        assert_that(spared, empty(), "fields that made no difference: the calls after it was asked, again and changed")
        self._world.expect_young(self._asked)
        assert_that(wrong, empty(), "fields, and the calls after it was asked, asked again and asked changed")

    def _three(
        self, name: str, changed: Question, messages: Any = None, fields: Mapping[str, Any] | None = None
    ) -> None:
        world, customer = self._world, self._world.fresh("customer")
        first = Question(messages or world.words(name), fields=fields or {"temperature": 0})
        if not messages:
            changed = Question(first.messages, changed.model, changed.fields)
        asked = ((first, world.nodes[0]), (first, world.nodes[1]), (changed, world.nodes[0]))
        self._given[name] = [Given(customer, question, gateway.ask(customer, question)) for question, gateway in asked]

    def _read_meter(self) -> None:
        """What was paid when each had been asked, asked again, and asked changed; each for its own question."""
        expect_own_each(self._world, [one for given in self._given.values() for one in given])
        calls = Counter(call.fields["alias"] for call in self._world.provider.calls())
        for name, (first, again, changed) in self._given.items():
            twice = {number_of(one.answer) for one in (first, again)}
            self._paid[name] = (1, len(twice), calls[changed.customer])


def _with(name: str, value: Any) -> Question:
    return Question((), fields={"temperature": 0, name: value})


def _user(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text} for text in texts]


def _picture(of: str) -> list[dict[str, Any]]:
    shown = {"image_url": {"url": f"data:image/png;base64,{of}"}}
    return [{"role": "user", "content": [{"text": "What is this?"}, shown]}]


_MESSAGES = {  # before, and after
    "words that join alike": (_user("ab", "c"), _user("a", "bc")),
    "the system's words": (
        [{"role": "system", "content": "Be short."}, *_user("Why?")],
        [{"role": "system", "content": "Be long."}, *_user("Why?")],
    ),
    "no system's words": ([{"role": "system", "content": "Be short."}, *_user("Why?")], _user("Why?")),
    "who says it": (_user("Be short.", "Why?"), [{"role": "system", "content": "Be short."}, *_user("Why?")]),
    "the name of who says it": (_user("Why?"), [{"role": "user", "content": "Why?", "name": "bob"}]),
    "a picture": (_picture("AAAA"), _picture("BBBB")),
    "the order": (_user("One.", "Two.", "Why?"), _user("Two.", "One.", "Why?")),
}
