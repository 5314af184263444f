"""Login ids that are an e-mail address or a phone number: replaced by a keyed hash, so that a person stays one."""

import hashlib
import hmac
import re
from functools import cached_property
from pathlib import Path

from beha2vec_core.privacy import detectors
from beha2vec_core.privacy.decoding import decoded
from beha2vec_core.privacy.key import key
from beha2vec_core.privacy.rules import rules

# as the macro bigquery__private_user_id
_HASHED_IN_BIGQUERY = re.compile(r"(?i)(?:@|%40|%2540|%252540|＠)")


def is_placeholder(one: str) -> bool:
    """Whether an id is one that sites send where there is none, such as ``undefined``: no person's."""
    return one.strip().lower() in rules().placeholder_ids


class LoginIds:
    """Hashes of personal login ids: HMAC-SHA256 (RFC 2104) with the key of the data folder.

    Without the key, addresses cannot be guessed and tried. If the key is lost, all such users count as new.
    """

    def __init__(self, data_dir: Path) -> None:
        """Read nothing yet; the key is made when it is first needed."""
        self._data_dir = data_dir

    @cached_property
    def _key(self) -> bytes:
        return key(self._data_dir)

    def judged(self, login_id: str) -> str:
        """The id itself, or its hash where it holds an e-mail address or is a phone, card or account number."""
        plain = decoded(login_id).strip()
        whole = (0, len(plain))
        numbers = (*detectors.cards(plain), *detectors.ibans(plain))
        if any(True for _ in detectors.emails(plain)) or detectors.is_phone_of_login(plain) or whole in numbers:
            return hmac.new(self._key, plain.casefold().encode(), hashlib.sha256).hexdigest()
        return login_id

    def forms(self, login_id: str) -> frozenset[str]:
        """The id as the export has it, and as it is stored: by ingest, or by dbt_ga4 in BigQuery."""
        forms = {login_id, self.judged(login_id)}
        if _HASHED_IN_BIGQUERY.search(login_id):
            forms.add(hashlib.sha256(login_id.lower().encode()).hexdigest())
        return frozenset(forms)
