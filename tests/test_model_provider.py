"""The model provider through the official SDK, whole and in pieces, and what the suite believes of that SDK."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import openai
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from provider_process import Addresses, provider

from support.capabilities.llm_response_caching_redis.fields import NOT_SHAPING, SHAPING
from support.clients.model_provider_control import EMBEDDINGS, ModelProviderControl, Near
from support.providers.model_provider.provider import NOT_SHAPING as OF_THE_PROVIDER

ALIASES = (f"alias-{number}" for number in itertools.count(1))
ASKED = {"role": "user", "content": "What is the price of a lamp?"}


class Stand(NamedTuple):
    """The official client of a caller whom nobody has seen before, their alias, and the control port."""

    sdk: openai.OpenAI
    alias: str
    control: ModelProviderControl

    def ask(self, **more: object) -> openai.types.chat.ChatCompletion:
        return self.sdk.chat.completions.create(model="small", messages=[ASKED], **more)


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    with provider("model-provider") as found:
        yield found


@pytest.fixture
def stand(addresses: Addresses) -> Iterator[Stand]:
    control, alias = ModelProviderControl("model-provider", addresses.control_url), next(ALIASES)
    with openai.OpenAI(api_key=f"sk-{alias}", base_url=f"{addresses.url}/v1", max_retries=0) as sdk:
        yield Stand(sdk, alias, control)
    control.close()


def test_every_field_of_the_sdk_is_judged() -> None:
    own = {"messages", "model", "stream_options", "a_field_of_tomorrow"}  # changed otherwise, or of nobody
    judged = SHAPING.keys() | NOT_SHAPING.keys() | own
    assert judged - {"a_field_of_tomorrow"} == set(CompletionCreateParamsBase.__annotations__)
    assert set(OF_THE_PROVIDER) == {*NOT_SHAPING, "stream", "stream_options"}


def test_an_answer_says_whose_it_is_and_is_paid_for_word_by_word(stand: Stand) -> None:
    answer = stand.ask()
    said = answer.choices[0].message.content or ""
    (call,) = stand.control.calls(stand.alias)
    assert said.startswith(f"answer {call.fields['fp']} for {stand.alias} by small, call {call.seq}")
    assert answer.usage and (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, len(said.split()))
    assert stand.control.bill(stand.alias) == (1, 11, 16, 11 * 2 + 16 * 8)


def test_in_pieces_it_is_the_same_answer(stand: Stand) -> None:
    pieces = list(stand.ask(stream=True, stream_options={"include_usage": True}))
    words = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert words.endswith(" end") and len(words.split()) == 16
    assert {piece.id for piece in pieces} == {pieces[0].id}
    assert pieces[-1].usage.completion_tokens == 16


def test_a_prompt_that_is_known_is_cheaper(stand: Stand) -> None:
    rules = {"role": "system", "content": "Be brief. " * 40}
    costs = []
    for _ in range(2):
        stand.sdk.chat.completions.create(model="small", messages=[rules, ASKED])
        costs.append(stand.control.calls(stand.alias)[-1].fields["cost"])
    cached = stand.control.calls(stand.alias)[-1].fields["cached_tokens"]
    assert cached >= 64 and costs[0] - costs[1] == cached


@pytest.mark.parametrize("content", ["", " \n", "two words"])
def test_it_says_what_it_is_told_to_say(stand: Stand, content: str) -> None:
    stand.control.script({"alias": stand.alias}, times=None, content=content)
    assert stand.ask().choices[0].message.content == content
    assert "".join(piece.choices[0].delta.content or "" for piece in stand.ask(stream=True)) == content


@pytest.mark.parametrize("ends", ["cut", "error"])
def test_a_stream_ends_early(stand: Stand, ends: str) -> None:
    stand.control.script({"alias": stand.alias}, ends=ends, pieces=4)
    heard = []
    try:
        heard += list(stand.ask(stream=True))
    except openai.APIError:
        assert ends == "error"
    else:
        assert ends == "cut" and len(heard) == 4
    stand.control.expect_scripted(stand.alias)


def test_a_stream_breaks_off_after_so_many_pieces(stand: Stand) -> None:
    fault = stand.control.arm("reset", match={"alias": stand.alias}, part="body", pieces=4)
    heard = []
    with pytest.raises(Exception, match=r"closed|reset|incomplete|peer|Connection"):
        for piece in stand.ask(stream=True):
            heard.append(piece)
    assert len(heard) == 4 and fault.hits()


def test_which_texts_are_near_is_said(stand: Stand) -> None:
    stand.control.pin([Near("embed-a", "enable it", "disable it", 0.999)])
    made = stand.sdk.embeddings.create(model="embed-a", input=["enable it", "disable it"])
    one, other = (item.embedding for item in made.data)
    assert sum(a * b for a, b in zip(one, other, strict=True)) == pytest.approx(0.999, abs=1e-5)
    assert stand.control.bill(stand.alias, EMBEDDINGS).cost == made.usage.prompt_tokens


def test_what_is_wrong_is_told_as_the_sdk_knows_it_and_costs_nothing(stand: Stand) -> None:
    with pytest.raises(openai.NotFoundError):
        stand.sdk.chat.completions.create(model="none", messages=[ASKED])
    with pytest.raises(openai.BadRequestError):
        stand.sdk.chat.completions.create(model="small", messages=[])
    stand.control.arm("status", match={"alias": stand.alias}, status=429)
    with pytest.raises(openai.RateLimitError):
        stand.ask()
    assert stand.control.bill(stand.alias).cost == 0
