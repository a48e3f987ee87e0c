"""The identity provider: what it publishes verifies what it signs, through every change of its keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from provider_process import Addresses, provider

from support.clients.identity_control import IdentityControl


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    with provider("identity-provider") as found:
        yield found


@pytest.fixture
def control(addresses: Addresses) -> Iterator[IdentityControl]:
    made = IdentityControl("identity-provider", addresses.control_url)
    made.ask("POST", "/forget")
    yield made
    made.close()


def issue(addresses: Addresses, key: str = "idp_test_of_a_test") -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(f"{addresses.url}/token", json={"sub": "ada"}, headers=headers, timeout=5)


def published(addresses: Addresses) -> dict[str, Any]:
    """The keys that are published, by their id."""
    keys = requests.get(f"{addresses.url}/.well-known/jwks.json", timeout=5).json()["keys"]
    return {key["kid"]: jwt.PyJWK(key) for key in keys}


def test_what_it_signs_for_its_customers_is_verified_by_what_it_publishes(
    addresses: Addresses, control: IdentityControl
) -> None:
    token = issue(addresses).json()["access_token"]
    key = published(addresses)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["RS256"])
    assert claims == {"sub": "ada", "iss": "https://identity.example"}
    assert issue(addresses, "somebody's").status_code == 401
    assert len(control.key_fetches()) == 1


def test_a_new_key_signs_beside_the_old_one_until_that_is_withdrawn(
    addresses: Addresses, control: IdentityControl
) -> None:
    old, before = control.keys().kid, published(addresses)
    control.rotate()
    new = control.keys().kid
    assert {old, new} <= published(addresses).keys()
    assert jwt.get_unverified_header(issue(addresses).json()["access_token"])["kid"] == new
    control.retire()
    assert published(addresses).keys() == before.keys() - {old} | {new}


def test_it_signs_any_text_for_the_suite_and_so_does_a_stranger(addresses: Addresses, control: IdentityControl) -> None:
    token = issue(addresses).json()["access_token"]
    text, _, signature = token.rpartition(".")
    assert control.sign(text) == signature
    assert control.sign(text, stranger=True) != signature
    assert control.keys().stranger["kid"] not in published(addresses)


def test_who_was_down_has_the_same_keys_when_it_is_back(tmp_path: Path) -> None:
    with provider("identity-provider", tmp_path) as addresses:
        first = published(addresses).keys()
        control = IdentityControl("identity-provider", addresses.control_url)
        control.rotate()
        token, both = issue(addresses).json()["access_token"], published(addresses).keys()
        control.close()
    with provider("identity-provider", tmp_path) as addresses:
        keys = published(addresses)
        assert first < both == keys.keys()
        assert jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], ["RS256"])["sub"] == "ada"
