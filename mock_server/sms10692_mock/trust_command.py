"""The command `sms10692-mock trust`: how clients trust the local certificate authority, language by language."""

from pathlib import Path
from typing import Final

import click

from sms10692.extras import missing_package
from sms10692_mock.certificates import InvalidCertificate
from sms10692_mock.streams import write_output

FOLDER_VARIABLE: Final = "SMS10692_MOCK_TLS_FOLDER"
"""Environment variable of the option `--tls-folder`."""

RECIPES: Final = {
    "curl": "curl --cacert {ca} ...",
    "sms10692": "sms10692 ... --ca {ca}   sms10692.Client(..., ca={ca!r})   sms10692-contract run ... --ca {ca}",
    "Python": "SSL_CERT_FILE={ca} python ...   with requests: REQUESTS_CA_BUNDLE={ca}",
    "PHP": "php -d curl.cainfo={ca} -d openssl.cafile={ca} ...   both are settings of php.ini",
    "Java": "keytool -importcert -noprompt -alias sms10692-mock -file {ca} -keystore truststore.p12 -storetype PKCS12 "
    "-storepass changeit\n"
    "java -Djavax.net.ssl.trustStore=truststore.p12 -Djavax.net.ssl.trustStorePassword=changeit ...",
    "C#": "SSL_CERT_FILE={ca} dotnet run   on Windows: certutil -user -addstore Root {ca}",
    "Node": "NODE_EXTRA_CA_CERTS={ca} node ...",
    "Go": "SSL_CERT_FILE={ca} go run ...   on Windows and macOS: tls.Config{{RootCAs: pool}}",
}
"""How a program in each language trusts the CA; `{ca}` is the path of its certificate."""


def find_folder(given: Path | None) -> Path:
    """Return the folder of the CA: the given one, or one of the user."""
    return Path(click.get_app_dir("sms10692-mock")) if given is None else given


def format_recipes(ca: str) -> str:
    """Return the recipes, each under the name of its language.

    >>> format_recipes("ca.pem").splitlines()[:2]
    ['curl', '  curl --cacert ca.pem ...']
    """
    lines = []
    for language, recipe in RECIPES.items():
        lines += [language, *(f"  {line}" for line in recipe.format(ca=ca).splitlines())]
    return "\n".join(lines)


@click.command("trust")
@click.option(
    "--tls-folder",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    envvar=FOLDER_VARIABLE,
    show_envvar=True,
    help="Folder of the local certificate authority.",
)
def trust_command(folder: Path | None) -> None:
    """Print how clients trust the certificates of `serve --tls self-signed`. Makes the authority on first use."""
    try:
        from sms10692_mock.local_authority import LocalAuthority
    except ModuleNotFoundError as error:
        raise click.ClickException(missing_package(error.name, "tls")) from None
    try:
        authority = LocalAuthority(find_folder(folder))
    except InvalidCertificate as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from None
    ca = str(authority.certificate_file.absolute())
    write_output(f"{ca}\n\n{format_recipes(ca)}\n")
