"""The command `sms10692-mock backup`: copies the SQLite store of a running or stopped emulator."""

from pathlib import Path
from typing import Final

import click

from sms10692_mock.service_links import ServiceLinkCommand
from sms10692_mock.streams import write_output

_OTHERS: Final = {
    "memory": "the memory store is in the process of the emulator: GET /_mock/state reads it",
}
_SERVER: Final = "this store is on a server, which has backups of its own; GET /_mock/state reads it too"


def build_backup_command(store: click.Option) -> click.Command:
    """Build the command. `store` is the option of `serve`, with its environment variable."""

    def run(store: str, path: Path, force: bool) -> None:
        from sms10692_mock.stores.sqlite.backup import BackupFailed, back_up  # serve does not need it

        scheme, _, source = store.partition(":")
        if scheme != "sqlite" or not source:
            problem = _OTHERS.get(scheme, _SERVER) if scheme != "sqlite" else "expected sqlite:PATH"
            raise click.BadParameter(problem, param_hint="--store")
        try:
            back_up(Path(source), path, overwrite=force)
        except BackupFailed as error:
            raise click.ClickException(str(error)) from None
        write_output(f"{path}: {path.stat().st_size} bytes\n")

    return ServiceLinkCommand(
        "backup",
        params=[
            click.Argument(["path"], type=click.Path(path_type=Path)),
            store,
            click.Option(["--force"], is_flag=True, help="Overwrite PATH."),
        ],
        callback=run,
        context_settings={"show_default": True, "max_content_width": 100},
        help="Copy the SQLite store of a running or stopped emulator to the file PATH, which serve can open.",
    )
