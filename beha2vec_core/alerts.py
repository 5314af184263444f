"""Alerts: telling people by Slack, webhook or e-mail what failed and what to do, and what is new in their data.

An alert that cannot be delivered is logged and harms nothing. Addresses and passwords are secrets: they are in no
message, log or error. What a run says may come from outside (a page's title in an error): it is cut to size, and
escaped where a channel would act on it.
"""

import json
import logging
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from beha2vec_core.settings import PREFIX, Settings

log = logging.getLogger("beha2vec.alerts")

# three targets at once, twice each: below the minute that Dagster gives a sensor, for several runs
_SECONDS = 5.0
_TRIES = 2
_PAUSE = 0.5
_MOST_PROBLEMS = 12
_LONGEST_MESSAGE = 600
_MARKS = {"error": ":red_circle:", "warn": ":large_yellow_circle:", "info": ":large_blue_circle:"}  # in Slack


Severity = Literal["error", "warn", "info"]


@dataclass(frozen=True)
class Problem:
    """One thing to tell. ``what`` names the step, the check and its asset, or (info) what was found in the data."""

    what: str
    message: str
    severity: Severity = "error"
    remedy: str = ""


@dataclass(frozen=True)
class Alert:
    """What went wrong in one run, or what was found: one message, however many problems."""

    title: str
    problems: tuple[Problem, ...]
    job: str = ""
    run_id: str = ""
    url: str | None = None

    @property
    def severity(self) -> Severity:
        """That of the worst problem."""
        found = {problem.severity for problem in self.problems}
        return "error" if "error" in found else "info" if found == {"info"} else "warn"


class Delivery(NamedTuple):
    """What became of an alert at one target; ``error`` is empty where it arrived."""

    target: str
    error: str


class Target(NamedTuple):
    """An alert recipient."""

    name: str
    deliver: Callable[[Alert], None]


def targets(settings: Settings) -> list[Target]:
    """All configured recipients; names hold no secret."""
    found = []
    if settings.alerts.slack_webhook_url:
        found.append(_hook("Slack", settings.alerts.slack_webhook_url, _slack))
    if settings.alerts.webhook_url:
        found.append(_hook("webhook", settings.alerts.webhook_url, _json))
    if settings.alerts.email_to:
        to = ", ".join(settings.alerts.email_to)
        found.append(Target(f"e-mail ({to})", lambda alert: _mail(alert, settings)))
    return found


def send(alert: Alert, settings: Settings) -> list[Delivery]:
    """Send an alert to all recipients at once; failures are logged. Never raises."""
    clean = _without_secrets(alert, settings)
    to = targets(settings)
    if not to:
        return []
    with ThreadPoolExecutor(len(to)) as pool:
        deliveries = list(pool.map(lambda target: _tried(target, clean, settings), to))
    for delivery in deliveries:
        if delivery.error:
            log.warning("the alert %r did not reach %s: %s", clean.title, delivery.target, delivery.error)
    return deliveries


def trial(settings: Settings) -> Alert:
    """A message to try the settings with."""
    problem = Problem("test", "nothing is wrong: this is a test alert", "warn", "none needed")
    return Alert("Beha2Vec: a test", (problem,), job="none", url=settings.dagster.url)


def plain_text(alert: Alert) -> str:
    """The alert as lines of text."""
    lines = [alert.title, ""]
    for problem in alert.problems[:_MOST_PROBLEMS]:
        lines.append(f"{problem.severity.upper()} {_line(problem.what)}: {_cut(problem.message)}")
        if problem.remedy:
            lines.append(f"  -> {_cut(problem.remedy)}")
    lines += _more(alert)
    lines += ["", f"Run: {alert.run_id} of {alert.job}"] if alert.run_id else []
    lines += [alert.url] if alert.url else []
    return "\n".join(lines)


def _without_secrets(alert: Alert, settings: Settings) -> Alert:
    hide = settings.without_secrets
    problems = tuple(
        Problem(hide(problem.what), hide(problem.message), problem.severity, hide(problem.remedy))
        for problem in alert.problems
    )
    return Alert(hide(alert.title), problems, alert.job, alert.run_id, alert.url)


def _tried(target: Target, alert: Alert, settings: Settings) -> Delivery:
    """Deliver, once more where the other side may just have been busy."""
    for number in range(1, _TRIES + 1):
        try:
            target.deliver(alert)
            return Delivery(target.name, "")
        except Exception as error:  # a failing alert must never fail anything
            if number == _TRIES or not _may_pass(error):
                return Delivery(target.name, settings.without_secrets(_explained(error)))
            time.sleep(_PAUSE)
    raise AssertionError("every try returns")


def _may_pass(error: Exception) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code == 429 or error.code >= 500
    if isinstance(error, smtplib.SMTPResponseException):
        return 400 <= error.smtp_code < 500
    return isinstance(error, OSError) and not isinstance(
        error, ssl.SSLError | smtplib.SMTPRecipientsRefused | smtplib.SMTPNotSupportedError
    )


def _explained(error: Exception) -> str:
    """The error, and which setting to look at."""
    if isinstance(error, urllib.error.HTTPError):
        remedy = "copy the address of the webhook again: it may have been revoked"
        return f"it answered {error.code} {error.reason}; {remedy}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"the mail server refused the login; check {PREFIX}ALERT_SMTP_USER and _PASSWORD"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"{error}; another {PREFIX}ALERT_SMTP_SECURITY may fit the server (starttls, tls or none)"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"the mail server refused {', '.join(error.recipients)}; check {PREFIX}ALERT_EMAIL_TO and _EMAIL_FROM"
    if isinstance(error, smtplib.SMTPException | ssl.SSLError):
        return f"{error}; check {PREFIX}ALERT_SMTP_PORT and _SECURITY (starttls: 587, tls: 465)"
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return f"it cannot be reached: {reason}; check the address, and that this machine may reach it"


# --- webhooks ---------------------------------------------------------------------------------------------------


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirects are not followed: they would carry a key elsewhere, and a message as a GET without its content."""

    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        """Refuse."""


def _hook(name: str, url: SecretStr, content: Callable[[Alert], dict[str, Any]]) -> Target:
    address = url.get_secret_value()

    def deliver(alert: Alert) -> None:
        body = json.dumps(content(alert)).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "beha2vec-alerts"}
        request = urllib.request.Request(address, body, headers, method="POST")
        # the body of the answer is not read: the timeout applies to each read, and a body can come byte by byte
        urllib.request.build_opener(NoRedirect).open(request, timeout=_SECONDS).close()

    return Target(f"{name} ({urlsplit(address).hostname})", deliver)


def _json(alert: Alert) -> dict[str, Any]:
    """All there is to know, and the same as text."""
    problems = [asdict(problem) | {"message": _cut(problem.message)} for problem in alert.problems[:_MOST_PROBLEMS]]
    return asdict(alert) | {"severity": alert.severity, "problems": problems, "text": plain_text(alert)}


def _slack(alert: Alert) -> dict[str, Any]:
    """Slack's own markup; text from outside can neither mention people, nor link, nor end its block."""
    lines = [f"*{_escaped(_line(alert.title))}*"]
    for problem in alert.problems[:_MOST_PROBLEMS]:
        mark = _MARKS[problem.severity]
        lines.append(f"{mark} {_escaped(_line(problem.what))}\n```{_escaped(_cut(problem.message))}```")
        if problem.remedy:
            lines.append(f"→ {_escaped(_cut(problem.remedy))}")
    lines += _more(alert)
    if alert.url:
        page = "the explorer" if alert.severity == "info" else "the run" if alert.run_id else "Dagster"
        lines.append(f"<{_escaped(alert.url)}|Open {page}>")
    return {"text": "\n".join(lines), "unfurl_links": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


# --- e-mail -----------------------------------------------------------------------------------------------------


def _mail(alert: Alert, settings: Settings) -> None:
    to = settings.alerts.email_to or []
    message = EmailMessage()
    message["Subject"] = _line(alert.title)
    message["From"] = settings.alerts.email_from or to[0]
    message["To"] = ", ".join(to)
    message.set_content(plain_text(alert))
    host, port = settings.alerts.smtp_host or "", settings.alerts.smtp_port
    tls = ssl.create_default_context()
    if settings.alerts.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, port, timeout=_SECONDS)
    with server:
        if settings.alerts.smtp_security == "starttls":
            server.starttls(context=tls)
        if settings.alerts.smtp_user and settings.alerts.smtp_password:
            server.login(settings.alerts.smtp_user, settings.alerts.smtp_password.get_secret_value())
        refused = server.send_message(message)
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


# --- words ------------------------------------------------------------------------------------------------------


def _line(text: str) -> str:
    """On one line, without what no reader can see."""
    return _printable(" ".join(text.split()))[:200]


def _cut(text: str) -> str:
    text = "\n".join(_printable(line) for line in text.strip().splitlines() if line.strip())
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _more(alert: Alert) -> list[str]:
    left = len(alert.problems) - _MOST_PROBLEMS
    return [f"and {left} more"] if left > 0 else []
