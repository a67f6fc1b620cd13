"""The command line: `nexus-assets COMMAND`. Each command has a module of its own and is imported when it is called."""

from __future__ import annotations

import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path

import click
from dotenv import load_dotenv

from nexus_assets import clinics, memory, output
from nexus_assets.errors import NexusAssetsError
from nexus_assets.local.home import HOW_TO_MOVE, local_home

COMMANDS = {
    "load": "nexus_assets.commands.load",
    "plan": "nexus_assets.commands.plan",
    "apply": "nexus_assets.commands.apply",
    "report": "nexus_assets.commands.report",
    "status": "nexus_assets.commands.status",
    "check": "nexus_assets.commands.check",
    "alert": "nexus_assets.commands.alert",
    "webserver": "nexus_assets.commands.webserver",
    "clinics": "nexus_assets.commands.clinics",
    "demo": "nexus_assets.commands.demo",
    "guard": "nexus_assets.commands.guard",
    "incident": "nexus_assets.commands.incident",
    "explain": "nexus_assets.commands.explain",
    "kept": "nexus_assets.commands.kept",
    "rejects": "nexus_assets.commands.rejects",
    "learn-ids": "nexus_assets.commands.learn_ids",
    "reset": "nexus_assets.commands.reset",
    "undo": "nexus_assets.commands.undo",
}
"""Command name -> module, which holds a click command named `command`."""

LOCAL = "Run `pip install 'nexus-assets[local]'`."

EXIT_INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM, as a shell has it."""

INTERRUPTED = (
    "Interrupted: what was being written was rolled back, and loads that had ended before stay;"
    " run the same command again to go on."
)
EXIT_ERROR = 2
"""Exit code where a question could not be asked; 1 means that it was asked and something is wrong."""


class _Commands(click.Group):
    """Finds a command by its name, without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own form
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Shows on a terminal that something goes on: what a command imports takes a second or two."""
        from rich.console import Console

        with Console(stderr=True).status("Starting"):
            return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own form
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        try:
            command: click.Command = import_module(module).command
        except ModuleNotFoundError as error:
            return _without(cmd_name, str(error.name))
        return command


def _without(command: str, module: str) -> click.Command:
    """What stands for a command of the local clinic where that is not installed, as on a server."""

    def refuse() -> None:
        raise NexusAssetsError(f"`{command}` needs {module}, which is not installed.", remedy=LOCAL)

    return click.Command(command, callback=refuse, help=f"Not installed here. {LOCAL}")


def _enter(_context: click.Context, _parameter: click.Parameter, name: str) -> None:
    clinics.enter(name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--clinic",
    default="",
    metavar="NAME",
    expose_value=False,
    is_eager=True,
    callback=_enter,
    help="The clinic whose settings are in clinics/NAME.env; NEXUS_CLINIC names it as well.",
)
def nexus_assets() -> None:
    """FileMaker exports and a clinic's images into Nexus: load, check, repair. Settings are read from the environment and .env."""


def _warn_of_readable_settings(file: Path) -> None:
    if file.is_file() and file.stat().st_mode & 0o077:
        click.echo(f"{file} can be read by other users of this machine. Run: chmod 600 {file}", err=True)


def main() -> None:
    """Runs a command; an error that a person can correct is told in its own words, without a traceback.

    Of any other error its place and kind are told: its text may hold what a row holds. No error ends with exit code 1,
    which says that something was found. Ctrl-C and SIGTERM end a command with one sentence and EXIT_INTERRUPTED.
    """
    memory.tune()
    output.take_over()
    code = _run()
    if why := output.lost():
        click.echo(f"The command has ended, but its output could not be written to its end: {why}.", err=True)
        code = EXIT_ERROR
    sys.exit(code)


def _told(error: Exception) -> str:
    """What may be told of an error that is not ours."""
    if isinstance(error, PermissionError) and Path(str(error.filename)).is_relative_to(local_home()):
        return f"Can't use {local_home()}: {error.strerror}. {HOW_TO_MOVE}"
    lines = "".join(traceback.format_tb(error.__traceback__))
    if isinstance(error, SyntaxError):
        # The traceback ends at the import; the faulty file of code is named by the error alone.
        lines += f'  File "{error.filename}", line {error.lineno}\n'
    return f"{lines}\nAn error of the kind {type(error).__name__} that nobody foresaw; the lines above say where."


def _run() -> int:
    """Runs the command that the arguments name; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Of the working folder, and before the environment, as Dagster's own commands have it: a plan looks where the load writes.
    load_dotenv(".env", override=True)
    for file in (Path(".env"), *Path(clinics.FOLDER).glob("*.env")):
        _warn_of_readable_settings(file)
    try:
        # Otherwise click makes its own "Aborted!" of an interruption.
        code = nexus_assets.main(standalone_mode=False)
    except SystemExit as ended:
        code = ended.code
    except (KeyboardInterrupt, click.Abort):
        click.echo(INTERRUPTED, err=True)
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except NexusAssetsError as error:
        click.echo(str(error), err=True)
        return EXIT_ERROR
    except Exception as error:
        click.echo(_told(error), err=True)
        return EXIT_ERROR
    return code if isinstance(code, int) else 0
