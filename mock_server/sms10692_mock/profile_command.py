"""The command `sms10692-mock profile`: shows and checks profiles."""

import json
from pathlib import Path

import click

from sms10692_mock.profile_file import build_schema, describe_profile, load_profile, parse_profile
from sms10692_mock.streams import write_output


@click.command("profile")
@click.option("--show", "shown", metavar="NAME|FILE", help="Print a profile with the meaning and origin of each key.")
@click.option("--check", "checked", metavar="FILE", help="Check a profile file.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of profile files, for editors.")
def profile_command(shown: str | None, checked: str | None, schema: bool) -> None:
    """Show or check the profile of a brand: how its vendor differs from the manual."""
    if (shown is not None) + (checked is not None) + schema != 1:
        raise click.UsageError("give one of --show, --check and --schema")
    if schema:
        write_output(json.dumps(build_schema(), ensure_ascii=False, indent=2) + "\n")
        return
    try:
        if checked is not None:
            profile = load_profile(Path(checked))
            write_output(f"{checked}: profile {profile.name} is valid\n")
        elif shown is not None:
            write_output(describe_profile(parse_profile(shown)))
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
