"""The Stripe account behind the API: its objects, its clock, its ids, and one call on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sandbox.storage import Body, Storage
from sandbox.stripe.errors import Answer, resource_missing
from sandbox.stripe.params import Params

API_VERSION = "2023-08-16"
"""The version whose shapes all objects have; what later versions renamed is added beside it."""

HIDDEN = "_"
"""Fields starting like this are the stand-in's own and never shown to a client."""


@dataclass(frozen=True)
class Account:
    """The objects of one Stripe account, stored by their `object` name."""

    storage: Storage
    as_of: date
    refused_emails: frozenset[str]

    def now(self) -> int:
        """Return the next moment, epoch seconds: midnight UTC of as_of, one second later each time."""
        midnight = datetime.combine(self.as_of, time(), UTC)
        return int(midnight.timestamp()) + self.storage.next_id("clock")

    def new_id(self, prefix: str) -> str:
        """Return the next id with Stripe's prefix, e.g. "cus_00000000000001"."""
        return f"{prefix}_{self.storage.next_id(prefix):014d}"

    def require(self, kind: str, object_id: str, param: str = "id") -> Body:
        """Return a stored object.

        Raises:
            StripeError: `resource_missing`, naming `param`.
        """
        body = self.storage.get(kind, object_id)
        if body is None:
            raise resource_missing(kind, object_id, param)
        return body

    def save(self, body: Body) -> Body:
        """Store an object, new or changed, and return it."""
        self.storage.put(body["object"], body["id"], body)
        return body


@dataclass(frozen=True)
class Call:
    """One request that passed authentication.

    Attributes:
        account: The account it acts on.
        params: Its parameters, from query or form body.
        path: The ids in its path, by placeholder name.
        request_id: What `Request-Id` will say.
        idempotency_key: The client's key, if any.
    """

    account: Account
    params: Params
    path: Mapping[str, str]
    request_id: str
    idempotency_key: str | None

    def target(self, kind: str) -> Body:
        """Return the object whose id stands in the path."""
        return self.account.require(kind, self.path["id"])


Handler = Callable[[Call], Body | Answer]
"""What answers an endpoint: reads the call, changes the account, returns the object."""
