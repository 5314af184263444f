"""``beha2vec alerts``: alerts about failed runs and checks."""

import typer

from beha2vec_core.cli.app import app, fail, read_settings

alerts = typer.Typer(help="Alerts about failed runs and checks.", no_args_is_help=True)
app.add_typer(alerts, name="alerts")


@alerts.command("test")
def test_alerts() -> None:
    """Send a test message to every alert recipient."""
    from beha2vec_core.alerts import send, trial

    settings = read_settings()
    if not settings.alerts.configured:
        fail(
            "no alert recipient: set BEHA2VEC_ALERT_SLACK_WEBHOOK_URL, BEHA2VEC_ALERT_WEBHOOK_URL, or "
            "BEHA2VEC_ALERT_EMAIL_TO with BEHA2VEC_ALERT_SMTP_HOST (docs/operations.md)",
            2,
        )
    deliveries = send(trial(settings), settings)
    for delivery in deliveries:
        if delivery.error:
            typer.secho(f"{delivery.target}: {delivery.error}", fg="red", err=True)
        else:
            typer.echo(f"{delivery.target}: sent")
    if any(delivery.error for delivery in deliveries):
        raise typer.Exit(1)
