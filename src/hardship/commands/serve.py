"""`hardship serve`: the service on this machine."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, Decorator, Whole, examples
from hardship.errors import Fault, UsageError


def command(say: Say) -> click.Command:
    """The command with its texts."""

    def number(name: str, low: int, high: int, text: str) -> Decorator[Any]:
        return click.option(name, type=Whole(say, low, high), default=None, metavar="N", help=say(text))

    @click.command("serve", help=say("cli.serve_help"), epilog=examples(say, "cli.serve_examples"))
    @click.option("--host", default="127.0.0.1", show_default=True, metavar="HOST", help=say("cli.host"))
    @click.option(
        "--port", type=Whole(say, 1, 65535), default=8000, show_default=True, metavar="N", help=say("cli.port")
    )
    @click.option(
        "--workers", type=Whole(say, 1, 256), default=1, show_default=True, metavar="N", help=say("cli.workers")
    )
    @click.option("--require-key", "require_key", is_flag=True, help=say("cli.require_key"))
    @click.option("--keys", type=EXISTING, metavar="FILE", help=say("cli.keys"))
    @click.option("--secret-file", "secret_file", type=EXISTING, metavar="FILE", help=say("cli.secret_file"))
    @click.option("--rate-key", "rate_key", metavar="RATE", help=say("cli.rate_key"))
    @click.option("--rate-address", "rate_address", metavar="RATE", help=say("cli.rate_address"))
    @number("--households", 1, 100_000_000, "cli.most_households")
    @number("--in-flight", 1, 100_000, "cli.in_flight")
    @number("--batches", 1, 1_000, "cli.most_batches")
    @number("--one-seconds", 1, 3_600, "cli.one_seconds")
    @click.option("--access-log", "access_log", is_flag=True, help=say("cli.access_log"))
    @click.option("--log-addresses", "log_addresses", is_flag=True, help=say("cli.log_addresses"))
    @click.option("--proxy", metavar="ADDRESS", help=say("cli.proxy"))
    def serve(host: str, port: int, workers: int, require_key: bool, proxy: str | None, **given: Any) -> int:
        need_web()
        from hardship_api.app import create_app
        from hardship_api.settings import from_environment

        given["batch_households"] = given.pop("households")
        texts: dict[str, Any] = {
            name: str(value) if isinstance(value, Path) else value for name, value in given.items() if value
        }
        chosen = dataclasses.replace(from_environment(), **texts)
        if require_key and not chosen.keys:
            raise UsageError(Fault("cli.no_keys"))
        create_app(settings=chosen)  # what is wrong with settings, keys or tables is said here, not in a worker
        os.environ.update(chosen.environment())
        run(host, port, workers, proxy, chosen.access_log)
        return 0

    return serve


def run(host: str, port: int, workers: int, proxy: str | None, access_log: bool) -> None:
    """Serve until interrupted, the settings being in the environment."""
    import uvicorn
    from hardship_api.patience import Patient

    from hardship.engine.machine import warm

    if importlib.util.find_spec("resource"):  # not on Windows
        import resource

        # An image of the memory of a process that ended badly would hold what families told us.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    options: dict[str, Any] = {
        "factory": True,
        "host": host,
        "port": port,
        "http": Patient,
        "ws": "none",
        "access_log": False,  # its lines would hold addresses and queries
        "server_header": False,
        "proxy_headers": proxy is not None,
        "forwarded_allow_ips": proxy,
        "timeout_graceful_shutdown": 30,
        "timeout_worker_healthcheck": 120,  # a worker that still loads is no dead one
    }
    if access_log:
        options["log_config"] = logging_config()
    if workers == 1:
        uvicorn.run("hardship_api.served:app", **options)
        return
    warm()  # the workers then find the machine compiled
    counts = tempfile.mkdtemp(prefix="hardship-counts-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
    try:
        uvicorn.run("hardship_api.served:app", workers=workers, **options)
    finally:
        shutil.rmtree(counts, ignore_errors=True)


def logging_config() -> dict[str, Any]:
    """uvicorn's logging with our one line for each request beside it."""
    import copy

    from uvicorn.config import LOGGING_CONFIG

    config = copy.deepcopy(LOGGING_CONFIG)
    config["formatters"]["plain"] = {"format": "%(asctime)s %(message)s"}
    config["handlers"]["plain"] = {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stdout"}
    config["loggers"]["hardship_api.access"] = {"handlers": ["plain"], "level": "INFO", "propagate": False}
    return config


def need_web() -> None:
    """Refuse to go on without the packages of the service.

    Raises:
        UsageError: one of them is absent.
    """
    wanted = ("uvicorn", "fastapi", "httptools", "limits", "prometheus_client")
    if not all(importlib.util.find_spec(name) for name in wanted):
        raise UsageError(Fault("cli.no_web"))
