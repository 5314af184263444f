"""Google Ads, by the Data Manager API or by a file to upload: members as hashes of their contacts.

Source: https://developers.google.com/data-manager/api/reference/rest (audienceMembers, requestStatus). It was written
by the documentation and tested with a local server that plays it; it has not been tried on the service.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from beha2vec_core.activation.contacts import Contacts, Identifiers
from beha2vec_core.activation.destination import (
    ActivationError,
    Believed,
    Change,
    Destination,
    Kind,
    Member,
    NotReachable,
    Outcome,
    hash_of,
)
from beha2vec_core.activation.files import Files, csv_of
from beha2vec_core.activation.http import Answer, Client, NoAnswer

HOST = "https://datamanager.googleapis.com"
MOST_MEMBERS, MOST_IDENTIFIERS = 10_000, 10
# a list of fewer users is not used
_FEWEST_USERS = 100
# at most 300 requests a minute; 100,000 a day, which would be a thousand million members
SECONDS_BETWEEN = 0.25
_SCOPE = "https://www.googleapis.com/auth/datamanager"
# words of the service that can be shown: no values of a request
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,60}")
_FINISHED = {"SUCCESS", "PARTIAL_SUCCESS", "FAILED"}


@dataclass(eq=False, repr=False, kw_only=True)
class _Contacts(Destination):
    """What both ways to Google Ads share: users are known there by the hashes of their contacts."""

    for_ads = True
    takes_attributes = False

    contacts: Callable[[], Contacts]  # reads them, when they are first needed

    @cached_property
    def _contacts(self) -> Contacts:
        return self.contacts()

    def validate(self, called: str) -> list[str]:
        """The file of contacts."""
        try:
            _ = self._contacts
        except ActivationError as problem:
            return [str(problem)]
        return []

    def person(self, member: Member) -> str:
        """All login ids that share a contact are one person; users of another property may have the same login ids."""
        is_other = self.property_id and member.property_id not in (None, self.property_id)
        person = self._contacts.person(member.login_id) if member.login_id and not is_other else None
        return f"login {person}" if person else member.user_key

    def notes(self, users: int) -> list[str]:
        """Contacts that cannot be used, and a list that is too short."""
        short = f"Google Ads does not use a list of fewer than {_FEWEST_USERS} users; this one has {users:,}"
        return [*self._contacts.notes(), *[short] * (users < _FEWEST_USERS)]

    def hashes(self, member: Member) -> Identifiers:
        """The hashes of a member.

        Raises:
            NotReachable: there are none.
        """
        if not member.login_id:
            raise NotReachable("no login id")
        found = self._contacts.people.get(member.login_id)
        if found is None:
            raise NotReachable("no usable contact in BEHA2VEC_CONTACTS_FILE")
        return found


@dataclass(eq=False, repr=False, kw_only=True)
class DataManager(_Contacts):
    """A list of customers in Google Ads."""

    kind = "data_manager"
    has_debug = True
    batch = MOST_MEMBERS
    located_by = ("account_id",)
    left_behind = "addresses and numbers that they had earlier may still be in the list: remove those by hand"

    account_id: str  # the Google Ads account, digits
    login_account_id: str | None = None  # the manager account that the credentials belong to; None: the account itself
    secret: SecretStr | None  # an OAuth access token; None: Google's application default credentials
    client: Client
    debug: bool = False  # ask with ``validateOnly``: nothing changes
    host: str = ""  # of the service, for tests
    credentials: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Google Ads shows accounts with dashes, and its service takes them without."""
        self.account_id = self.account_id.replace("-", "")
        self.login_account_id = (self.login_account_id or "").replace("-", "")
        self.host = self.host or HOST

    def validate(self, called: str) -> list[str]:
        """The accounts, the id of the list, and the file of contacts."""
        found = self.client.check(self.host)
        if not self.account_id.isdecimal() or not (self.login_account_id or "1").isdecimal():
            found.append("account_id and login_account_id are numbers (Google Ads, top right)")
        if not called.isdecimal():
            found.append("give the number of the list in Google Ads with as: in the audience's activate:")
        return found + super().validate(called)

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The member of a request. The hash is keyed: nobody can guess contacts by it."""
        if kind != "leave" and not member.is_ads_consented:
            raise NotReachable("no consent for ads")
        found = self.hashes(member)
        identifiers = [{"emailAddress": one} for one in found.emails] + [{"phoneNumber": one} for one in found.phones]
        return {"userData": {"userIdentifiers": identifiers[:MOST_IDENTIFIERS]}}, hash_of(
            [called, self._contacts.digest(found)]
        )

    def send(self, changes: Sequence[Change], called: str, key: str) -> list[Outcome]:
        """At most 10,000 members, in one request for those who leave and one for those who enter."""
        outcomes: dict[str, Outcome] = {}
        # if the second one stops the send, the first counts as not sent: to remove users again does no harm
        for leaves in (True, False):
            some = [change for change in changes if (change.kind == "leave") is leaves]
            if some:
                outcome = self._request(some, called, leaves)
                outcomes |= {change.member.user_key: outcome for change in some}
        return [outcomes[change.member.user_key] for change in changes]

    def confirm(self, receipt: str) -> Outcome | None:
        """What became of a request; Google works on it for hours.

        Raises:
            ActivationError: it does not accept the secret.
        """
        try:
            answer = self.client.get(
                f"{self.host}/v1/requestStatus:retrieve?requestId={quote(receipt, safe='')}", self._headers()
            )
            states = json.loads(answer.body)["requestStatusPerDestination"]
            (state,) = [one for one in states if one["requestStatus"] in _FINISHED] or [None]
        except (NoAnswer, ValueError, KeyError, TypeError):
            return None
        if state is None:
            return None
        if state["requestStatus"] == "SUCCESS":
            return Outcome("accepted")
        counts = state.get("errorInfo", {}).get("errorCounts", [])
        reasons = [f"{_code(one.get('reason'))}: {one.get('recordCount')}" for one in counts if isinstance(one, dict)]
        reason = ", ".join([state["requestStatus"], *reasons])[:200]
        return Outcome("accepted" if state["requestStatus"] == "PARTIAL_SUCCESS" else "refused", reason)

    def _request(self, changes: Sequence[Change], called: str, leaves: bool) -> Outcome:
        body = self.body(changes, called, leaves)
        url = f"{self.host}/v1/audienceMembers:{'remove' if leaves else 'ingest'}"
        try:
            answer = self.client.post(url, json.dumps(body).encode(), self._headers(), again=True)
        except NoAnswer as problem:
            return Outcome("unknown" if problem.is_sent else "refused", problem.reason)
        if answer.is_accepted:
            return Outcome("accepted", receipt="" if self.debug else _receipt(answer))
        reason = f"HTTP {answer.status} {_problem(answer)}".strip()
        return Outcome("unknown" if answer.status >= 500 else "refused", reason)

    def body(self, changes: Sequence[Change], called: str, leaves: bool) -> dict[str, Any]:
        """The JSON of a request."""
        destination: dict[str, Any] = {
            "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": self.account_id},
            "productDestinationId": called,
        }
        if self.login_account_id:
            destination["loginAccount"] = {"accountType": "GOOGLE_ADS", "accountId": self.login_account_id}
        body: dict[str, Any] = {
            "destinations": [destination],
            "audienceMembers": [dict(change.payload) for change in changes],
            "encoding": "HEX",
            "validateOnly": self.debug,
        }
        if not leaves:
            # only users who consented are planned
            body["consent"] = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
            body["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        return body

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self.secret is not None:
            return headers | {"Authorization": f"Bearer {self.secret.get_secret_value()}"}
        try:
            import google.auth
            from google.auth.exceptions import GoogleAuthError
            from google.auth.transport.requests import Request
        except ImportError:
            raise ActivationError(
                f"set BEHA2VEC_SECRET_{self.name.upper()} to an access token, or install Google's clients: "
                "pip install 'beha2vec[bigquery]'"
            ) from None
        try:
            self.credentials = self.credentials or google.auth.default(scopes=[_SCOPE])[0]
            # a new token where the last one is too old, and the project whose quota counts
            self.credentials.before_request(Request(), "POST", self.host, headers)
        except GoogleAuthError:
            raise ActivationError(
                "there are no credentials for Google: run gcloud auth application-default login "
                f"--scopes {_SCOPE},https://www.googleapis.com/auth/cloud-platform"
            ) from None
        return headers


@dataclass(eq=False, repr=False, kw_only=True)
class AdsFile(_Contacts, Files):
    """A folder with CSV files of hashed contacts, to be uploaded by hand in Google Ads.

    A file of an audience has what Google takes and nothing else. Whose contacts these are is in a second one.
    """

    kind = "ads_file"
    columns = ("user_key", "Email", "Phone")

    def file(self, called: str) -> str:
        """The name of the file that says whose contacts were written."""
        return f"{called}.members.csv"

    def validate(self, called: str) -> list[str]:
        """The name of the file, the folder, and the file of contacts."""
        return Files.validate(self, called) + super().validate(called)

    def plan(self, kind: Kind, member: Member, called: str) -> tuple[Mapping[str, Any], str]:
        """The row of a user: the first address and the first number."""
        row = {"user_key": member.user_key, "Email": "", "Phone": ""}
        if kind != "leave":
            found = self.hashes(member)
            row |= {"Email": (*found.emails, "")[0], "Phone": (*found.phones, "")[0]}
        return row, hash_of(row)

    def reconcile(self, believed: Mapping[str, Believed], called: str) -> dict[str, Believed]:
        """The users in the file that Google gets; all uncertain if it is missing or does not match the other file."""
        uploaded = self.folder.read(f"{called}.csv")
        rows = self._read(called)
        found = {row["user_key"]: Believed(Member(row["user_key"]), hash_of(row), "enter", True) for row in rows}
        if uploaded == self._upload(rows):
            return found
        # a process was killed between the two files, or somebody changed one: each change makes both again
        perhaps = {key: one for key, one in believed.items() if one.is_there or not one.is_certain}
        return {key: one._replace(is_certain=False) for key, one in (perhaps | found).items()}

    def _write(self, called: str, rows: list[dict[str, str]]) -> None:
        # first those who will be in the other file, so that nobody is in it of whom nothing is known
        super()._write(called, rows)
        self.folder.write(f"{called}.csv", self._upload(rows))

    def _upload(self, rows: list[dict[str, str]]) -> bytes:
        return csv_of(rows, self.columns[1:])


def _receipt(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body)["requestId"])[:200]
    except (ValueError, KeyError, TypeError):
        return ""


def _code(found: object) -> str:
    return str(found) if isinstance(found, str) and _CODE.fullmatch(found) else "UNKNOWN"


def _problem(answer: Answer) -> str:
    """The codes of an error: its message may repeat values of the request."""
    try:
        error = json.loads(answer.body)["error"]
        details = [one.get("reason") for one in error.get("details", []) if isinstance(one, dict) and one.get("reason")]
        return ", ".join(_code(one) for one in [error.get("status"), *details])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
