"""The ready-made drivers, and the command that prints them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

FOLDER: Final = Path(__file__).with_name("drivers")
"""The package has the drivers as data: none of them is imported."""


@dataclass(frozen=True, slots=True)
class ReadyDriver:
    """A driver with a client of the standard library: its file, and the commands that build it and run it."""

    language: str
    file: str
    run: tuple[str, ...]
    needs: str
    build: tuple[str, ...] = ()

    def read(self) -> bytes:
        return (FOLDER / self.file).read_bytes()


DRIVERS: Final = {
    driver.language: driver
    for driver in (
        ReadyDriver("php", "driver.php", ("php", "driver.php"), "PHP 8 with iconv and SimpleXML"),
        ReadyDriver("node", "driver.mjs", ("node", "driver.mjs"), "Node.js 18"),
        ReadyDriver("java", "Driver.java", ("java", "-cp", ".", "Driver"), "JDK 17", ("javac", "Driver.java")),
        ReadyDriver(
            "csharp",
            "Driver.cs",
            ("mono", "Driver.exe"),
            "Mono 6",
            ("mcs", "-r:System.Net.Http,System.Xml.Linq,System.Runtime.Serialization", "Driver.cs"),
        ),
        ReadyDriver("go", "driver.go", ("./driver",), "Go 1.18", ("go", "build", "-o", "driver", "driver.go")),
        ReadyDriver("python", "driver.py", ("python", "driver.py"), "Python 3.11"),
        ReadyDriver("python-async", "driver_async.py", ("python", "driver_async.py"), "Python 3.11"),
    )
}


@click.command("driver")
@click.argument("language", required=False, type=click.Choice(tuple(DRIVERS)))
def driver_command(language: str | None) -> int:
    """Print a ready-made driver, or without LANGUAGE the list: sms10692-examine driver php > driver.php"""
    if language is not None:
        click.echo(DRIVERS[language].read(), nl=False)
        return 0
    for driver in DRIVERS.values():
        commands = [*([driver.build] if driver.build else []), ("sms10692-examine", "run", "--", *driver.run)]
        click.echo(f"{driver.language} ({driver.needs})")
        click.echo(f"  sms10692-examine driver {driver.language} > {driver.file}")
        for command in commands:
            click.echo(f"  {' '.join(command)}")
    return 0
