"""XML parser of the suite: what a document means, whatever its white space, CDATA, entities and declaration are.

Document type declarations are refused, so that entities cannot expand without limit.
"""

import re
from typing import Final, NamedTuple
from xml.parsers import expat

_DEPTH_LIMIT: Final = 20
_CODECS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "gb2312": "gbk",
    "gbk": "gbk",
    "cp936": "gbk",
    "gb18030": "gb18030",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "utf-16": "utf-16",
}
"""Python codec by declared charset name. "gb2312" means code page 936 everywhere on the web."""

_DECLARED_CHARSET: Final = re.compile(rb"""\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_LABELLED_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)


class XmlElement(NamedTuple):
    """An element: `text` is the character data directly in it."""

    name: str
    text: str
    children: "tuple[XmlElement, ...]"


class DecodedText(NamedTuple):
    """A decoded body, the name of the charset that it declares, and what is wrong with that; empty if nothing is."""

    text: str
    charset: str
    error: str


def decode_body(body: bytes, content_type: str, default: str) -> DecodedText:
    """Decode a body in the charset of its declaration, else of its Content-Type, else in `default`.

    If the bytes are not valid in it, `error` says so, and the text is decoded in the first charset that fits.
    """
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        declared = "utf-16"
    else:
        in_document, in_header = _DECLARED_CHARSET.match(body[:300]), _LABELLED_CHARSET.search(content_type)
        declared = in_document[1].decode() if in_document else in_header[1] if in_header else default
    codec = _CODECS.get(declared.lower())
    if codec is not None:
        try:
            return DecodedText(body.decode(codec).removeprefix("\ufeff"), declared, "")
        except UnicodeDecodeError as error:
            problem = f"the body is not valid {declared}, which it declares: byte {error.start}"
    else:
        problem = f"the declared charset {declared} is unknown"
    for candidate in (default, "utf-8", "gbk"):
        try:
            return DecodedText(body.decode(candidate), declared, problem)
        except UnicodeDecodeError:
            continue
    return DecodedText(body.decode(default, "replace"), declared, problem)


def parse_xml(text: str) -> XmlElement:
    """Parse a document. Raises ValueError if it is not well-formed, has a document type, or is nested too deeply."""
    parser = expat.ParserCreate("utf-8")  # overrides the declaration
    parser.buffer_text = True
    texts: list[list[str]] = [[]]
    children: list[list[XmlElement]] = [[]]

    def start(name: str, attributes: object) -> None:
        if len(texts) > _DEPTH_LIMIT:
            raise ValueError("elements are nested too deeply")
        texts.append([])
        children.append([])

    def end(name: str) -> None:
        element = XmlElement(name, "".join(texts.pop()), tuple(children.pop()))
        children[-1].append(element)

    def refuse_document_type(*_: object) -> None:
        raise ValueError("it has a document type declaration")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda data: texts[-1].append(data)
    parser.StartDoctypeDeclHandler = refuse_document_type
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise ValueError(f"{expat.ErrorString(error.code)}, line {error.lineno}") from None
    return children[0][0]
