"""Alerts reach real servers, say what to do, give no secret away, and never fail anything."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from beha2vec_core import alerts
from beha2vec_core.alerts import Alert, Problem, plain_text, send, targets, trial
from beha2vec_core.cli import app
from beha2vec_core.cli.doctor.services import check_alerts
from beha2vec_core.settings import Settings, SettingsError
from tests.helpers.alert_receivers import Hook, Mailbox, running

PASSWORD = "pw-9d81c2"
ALERT = Alert(
    "Beha2Vec: refresh_last_days: failed",
    (
        Problem("step user_embeddings", "there are no user_sequences for 2026-01-05"),
        Problem("check volume_is_as_usual of raw_ga4_events", "310 events, usually 1,100", "warn", "look at tags"),
    ),
    job="refresh_last_days",
    run_id="0a1b",
    url="http://dagster.example/runs/0a1b",
)


@pytest.fixture(autouse=True)
def _soon(clean_room: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "_PAUSE", 0.01)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with running(Hook()) as hook:
        yield hook


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with running(Mailbox()) as mailbox:
        yield mailbox


def posting_to(hook: Hook, kind: str = "alert_webhook_url", **more: Any) -> Settings:
    return Settings(**{kind: SecretStr(f"http://127.0.0.1:{hook.port}/services/T0/s3cr3t")}, **more)


def mailing_to(mailbox: Mailbox, **more: Any) -> Settings:
    return Settings(
        **{
            "alert_email_to": "data@shop.example, ops@shop.example",
            "alert_smtp_host": "127.0.0.1",
            "alert_smtp_port": mailbox.port,
            "alert_smtp_security": "none",
            **more,
        }
    )


def error_of(alert: Alert, settings: Settings) -> str:
    (delivery,) = send(alert, settings)
    return delivery.error


# --- webhooks ---------------------------------------------------------------------------------------------------


def test_a_webhook_gets_everything_as_json(hook: Hook) -> None:
    assert error_of(ALERT, posting_to(hook)) == ""
    (post,) = hook.posts
    assert (post["severity"], post["job"], post["run_id"], post["url"]) == (
        "error",
        "refresh_last_days",
        "0a1b",
        ALERT.url,
    )
    assert post["problems"][1] == {
        "what": "check volume_is_as_usual of raw_ga4_events",
        "message": "310 events, usually 1,100",
        "severity": "warn",
        "remedy": "look at tags",
    }
    assert post["text"] == plain_text(ALERT) and "-> look at tags" in post["text"]


def test_slack_acts_on_nothing_that_comes_from_outside(hook: Hook) -> None:
    title = "<!channel> ```*<https://evil.example|click>*``` & more"
    alert = Alert("a <b> & c", (Problem("step <!here>", title, remedy="<@U1>"),), run_id="r", url="http://d.example/r")
    assert error_of(alert, posting_to(hook, "alert_slack_webhook_url")) == ""
    text = hook.posts[0]["text"]
    assert "&lt;!channel&gt; '''*&lt;https://evil.example|click&gt;*''' &amp; more" in text
    assert text.count("<") == 1 and "<http://d.example/r|Open the run>" in text and text.count("```") == 2


def test_long_texts_and_many_problems_are_cut(hook: Hook) -> None:
    problems = tuple(Problem(f"step {n}", "x\x1b[31m" * 5000) for n in range(40))
    settings = posting_to(hook, "alert_slack_webhook_url")
    assert error_of(Alert("many", problems), settings) == ""
    text = hook.posts[0]["text"]
    assert len(text) < 10_000 and "…" in text and "and 28 more" in text and "\x1b" not in text


@pytest.mark.parametrize(("statuses", "posts", "told"), [([503], 2, ""), ([500, 500], 2, "500"), ([404], 1, "404")])
def test_a_busy_server_is_asked_again_once_and_a_wrong_address_is_not(
    hook: Hook, statuses: list[int], posts: int, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    hook.statuses = statuses
    with caplog.at_level(logging.WARNING, "beha2vec.alerts"):
        error = error_of(ALERT, posting_to(hook))
    assert len(hook.posts) == posts and told in error and bool(error) == bool(told)
    assert ("copy the address of the webhook again" in caplog.text) == bool(told)
    assert "s3cr3t" not in error + caplog.text


def test_a_redirect_is_not_followed(hook: Hook) -> None:
    hook.statuses = [302]
    assert "302" in error_of(ALERT, posting_to(hook))
    assert hook.paths == ["/services/T0/s3cr3t"]


def test_a_body_that_comes_slowly_is_not_waited_for(hook: Hook) -> None:
    hook.drips = True
    assert error_of(ALERT, posting_to(hook)) == ""


def test_nobody_there_is_reported() -> None:
    with running(Hook()) as hook:
        settings = posting_to(hook)
    error = error_of(ALERT, settings)
    assert "cannot be reached" in error and "refused" in error


# --- e-mail -----------------------------------------------------------------------------------------------------


def test_a_mail_is_plain_text_to_all(mailbox: Mailbox) -> None:
    alert = Alert("a\r\nBcc: victim@shop.example", ALERT.problems, "job", "r1", ALERT.url)
    assert error_of(alert, mailing_to(mailbox)) == ""
    (mail,) = mailbox.mails
    assert mail["To"] == "data@shop.example, ops@shop.example" and mail["From"] == "data@shop.example"
    assert mail["Subject"] == "a Bcc: victim@shop.example" and mail["Bcc"] is None
    assert mail.get_content_type() == "text/plain"
    for part in ("ERROR step user_embeddings: there are no", "WARN check volume", "-> look at tags", ALERT.url):
        assert part in mail.get_content()


def test_it_logs_in_and_a_wrong_password_is_reported_without_it(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.password = PASSWORD
    login = {"alert_smtp_user": "beha2vec", "alert_email_from": "beha2vec@shop.example"}
    assert error_of(ALERT, mailing_to(mailbox, **login, alert_smtp_password=SecretStr(PASSWORD))) == ""
    assert mailbox.mails[0]["From"] == "beha2vec@shop.example"
    wrong = error_of(ALERT, mailing_to(mailbox, **login, alert_smtp_password=SecretStr("guess-7788")))
    assert "refused the login" in wrong and "BEHA2VEC_ALERT_SMTP_USER" in wrong and len(mailbox.mails) == 1
    assert "guess-7788" not in wrong + caplog.text


def test_a_recipient_that_is_refused_is_reported_though_others_got_it(mailbox: Mailbox) -> None:
    mailbox.refused = {"ops@shop.example"}
    error = error_of(ALERT, mailing_to(mailbox))
    assert "refused ops@shop.example" in error and "BEHA2VEC_ALERT_EMAIL_TO" in error and len(mailbox.mails) == 1


def test_a_busy_mail_server_is_asked_again(mailbox: Mailbox) -> None:
    mailbox.busy = 1
    assert error_of(ALERT, mailing_to(mailbox)) == "" and len(mailbox.mails) == 1


def test_a_password_is_not_sent_in_clear_where_starttls_is_asked_for(mailbox: Mailbox) -> None:
    mailbox.password = PASSWORD
    secure = mailing_to(
        mailbox, alert_smtp_security="starttls", alert_smtp_user="u", alert_smtp_password=SecretStr(PASSWORD)
    )
    error = error_of(ALERT, secure)
    assert "STARTTLS" in error and "BEHA2VEC_ALERT_SMTP_SECURITY" in error and mailbox.mails == []


# --- all of them ------------------------------------------------------------------------------------------------


def test_one_that_fails_does_not_keep_the_others_from_being_told(hook: Hook, mailbox: Mailbox) -> None:
    hook.statuses = [404]
    both = mailing_to(mailbox, alert_webhook_url=SecretStr(f"http://127.0.0.1:{hook.port}/x"))
    told = {delivery.target: delivery.error for delivery in send(ALERT, both)}
    assert len(told) == 2 and told["e-mail (data@shop.example, ops@shop.example)"] == "" and len(mailbox.mails) == 1


def test_secrets_stand_in_no_message_and_no_settings(hook: Hook) -> None:
    settings = posting_to(hook, llm_api_key=SecretStr("sk-55aa77"))
    alert = Alert("t", (Problem("step a", "401 for sk-55aa77 at http://127.0.0.1"),))
    assert error_of(alert, settings) == ""
    assert "401 for *** at" in hook.posts[0]["text"] and "sk-55aa77" not in str(hook.posts)
    assert "s3cr3t" not in repr(settings) + str(targets(settings)) + settings.model_dump_json()
    assert targets(settings)[0].name == "webhook (127.0.0.1)"


@pytest.mark.parametrize(
    ("variables", "parts"),
    [
        ({"ALERT_WEBHOOK_URL": "hooks.example/s3cr3t"}, ["ALERT_WEBHOOK_URL", "full address"]),
        ({"ALERT_SLACK_WEBHOOK_URL": "http://h.example/s3cr3t\nx"}, ["ALERT_SLACK_WEBHOOK_URL", "full address"]),
        ({"ALERT_WEBHOOK_URL": "file:///etc/s3cr3t"}, ["full address"]),
        ({"ALERT_EMAIL_TO": "a@shop.example"}, ["BEHA2VEC_ALERT_SMTP_HOST"]),
        ({"ALERT_EMAIL_TO": "a@shop.example\nBcc: b", "ALERT_SMTP_HOST": "h"}, ["ALERT_EMAIL_TO", "comma-separated"]),
        ({"ALERT_SMTP_PASSWORD": "s3cr3t"}, ["ALERT_SMTP_USER", "together"]),
        ({"ALERT_SMTP_SECURITY": "ssl"}, ["'starttls', 'tls' or 'none'"]),
        ({"DAGSTER_URL": "localhost:3000"}, ["http://localhost:3000"]),
    ],
)
def test_wrong_settings_are_reported_without_secrets(
    variables: dict[str, str], parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"BEHA2VEC_{name}", value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert all(part in str(caught.value) for part in parts)
    assert "s3cr3t" not in str(caught.value)


# --- the command line -------------------------------------------------------------------------------------------


def test_the_command_sends_a_test(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = CliRunner().invoke(app, ["alerts", "test"])
    assert asked.exit_code == 2 and "BEHA2VEC_ALERT_SLACK_WEBHOOK_URL" in asked.stderr
    assert "none configured" in check_alerts(Settings.load()).message
    monkeypatch.setenv("BEHA2VEC_ALERT_SLACK_WEBHOOK_URL", f"http://127.0.0.1:{hook.port}/s3cr3t")
    asked = CliRunner().invoke(app, ["alerts", "test"])
    assert asked.exit_code == 0 and "Slack (127.0.0.1): sent" in asked.output
    assert trial(Settings.load()).problems[0].message in hook.posts[0]["text"]
    hook.statuses = [403]
    asked = CliRunner().invoke(app, ["alerts", "test"])
    assert asked.exit_code == 1 and "403" in asked.stderr and "s3cr3t" not in asked.output
    assert "Slack (127.0.0.1)" in check_alerts(Settings.load()).message
