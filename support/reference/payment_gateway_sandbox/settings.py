"""What an operator may set for payments."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import SettingsError, names, positive
from .money import MoneyError, minor

PLAN_CURRENCY = "USD"


@dataclass(frozen=True)
class PaymentSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    postgres_url: str = field(repr=False)  # may hold a password
    payment_sandbox_url: str  # the provider's API; Stripe's own where it is not set
    payment_api_key: str = field(repr=False)
    payment_webhook_secrets: tuple[str, ...] = field(repr=False)  # comma list; several while one is being replaced
    payment_timeout_s: float  # how long the provider may be silent before an outcome counts as unknown
    payment_resume_after_s: float  # how old a request without an outcome is when it is taken up again
    payment_plans: Mapping[str, int]  # monthly price in minor units of PLAN_CURRENCY, by plan: "basic=30.00,team=50.00"

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "PaymentSettings":
        """Reads the settings from `environ`; raises SettingsError, which never shows a secret's value."""
        secrets = names(environ, "PAYMENT_WEBHOOK_SECRETS")
        if not secrets:
            # Without one, anybody could say that an order is paid.
            raise SettingsError("PAYMENT_WEBHOOK_SECRETS: expected at least one secret")
        if not environ.get("PAYMENT_API_KEY"):
            raise SettingsError("PAYMENT_API_KEY: expected the key of the provider's account")
        return cls(
            postgres_url=environ.get("POSTGRES_URL", "postgresql://postgres@localhost:5432/postgres"),
            payment_sandbox_url=environ.get("PAYMENT_SANDBOX_URL", "https://api.stripe.com"),
            payment_api_key=environ["PAYMENT_API_KEY"],
            payment_webhook_secrets=secrets,
            payment_timeout_s=positive(environ, "PAYMENT_TIMEOUT_S", 10),
            payment_resume_after_s=positive(environ, "PAYMENT_RESUME_AFTER_S", 15),
            payment_plans=dict(map(_plan, names(environ, "PAYMENT_PLANS"))),
        )

    @property
    def live(self) -> bool:
        """Whether the key moves real money; events of the other world are none of ours."""
        return not self.payment_api_key.startswith("sk_test_")


def _plan(text: str) -> tuple[str, int]:
    name, _, price = text.partition("=")
    try:
        return name, minor(price, PLAN_CURRENCY)
    except MoneyError as error:
        raise SettingsError(f'PAYMENT_PLANS: expected plans such as "basic=30.00", got {text!r}') from error
