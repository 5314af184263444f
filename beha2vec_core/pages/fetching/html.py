"""From the bytes of an HTML page to its title and main text. Scripts are never run, nothing is loaded."""

import codecs
import re

from beha2vec_core.pages.fetching.limits import NotFetched, Status
from beha2vec_core.pages.text import clean_text, clean_title, without_personal_data

_BOMS = [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")]
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
# the codecs of the web; Python has others (utf-7, unicode_escape) that pages have no business naming
_WEB_CODECS = re.compile(
    r"utf-8|utf-16(-le|-be)?|iso8859-\d+|cp125\d|cp866|cp874|cp932|cp949|koi8-[rtu]|mac-(roman|cyrillic)|tis-620|"
    r"shift_jis\w*|euc_\w+|iso2022_(jp|kr)\w*|gb2312|gbk|gb18030|hz|big5\w*|johab"
)
# browsers read these as their Windows supersets
_SUPERSETS = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "tis-620": "cp874", "gb2312": "gbk"}

# Markup beyond this is left out: parsers take time that grows with its square when they are led on, and 4,000
# characters of text are kept. Scripts and pictures, which make pages long, do not count.
_MAX_MARKUP_CHARS = 400_000
_NO_TEXT = re.compile(r"<(script|style|svg)\b", re.IGNORECASE)
# what XML does not know, and lxml refuses to copy
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def extract(body: bytes, content_type: str) -> tuple[str, str]:
    """The title and the main text of a page, both cleaned and cut; either may be empty.

    Args:
        content_type: the header of that name, for its charset.

    Raises:
        NotFetched: the page cannot be parsed.
    """
    import lxml.html
    from lxml.etree import LxmlError
    from trafilatura import extract as main_text

    html = _NO_XML.sub(" ", _markup(decode(body, content_type)))
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        tree = lxml.html.document_fromstring(html.encode(), parser=parser)
        title = tree.findtext(".//title") or ""
        description = " ".join(tree.xpath("//meta[@name='description']/@content")[:1])
        text = main_text(tree, fast=True, favor_recall=True, include_comments=False) or description
    except (LxmlError, ValueError, RecursionError, MemoryError) as problem:
        raise NotFetched(Status.FAILED, "the page is not HTML that can be parsed") from problem
    return clean_title(title), without_personal_data(clean_text(text))


def decode(body: bytes, content_type: str = "") -> str:
    """The page as text: by its byte order mark, as UTF-8 where it is that, else as header, then ``<meta>``, declare.

    Declarations are often wrong, and text that happens to be valid UTF-8 is hardly ever anything else. Where nothing
    fits, Windows-1252 with replacement characters.
    """
    for bom, codec in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(codec, errors="replace")
    header, meta = _HEADER_CHARSET.search(content_type), _META_CHARSET.search(body[:4096])
    declared = [header.group(1) if header else "", meta.group(1).decode("ascii", "replace") if meta else ""]
    codecs_ = [codec for codec in map(_codec, declared) if codec]
    if not body.isascii() and not (codecs_ and codecs_[0].startswith("utf-16")):
        codecs_.insert(0, "utf-8")
    for codec in [*codecs_, "utf-8"]:
        try:
            return body.decode(codec)
        except UnicodeError:
            continue
    return body.decode("cp1252", errors="replace")


def _markup(html: str) -> str:
    """The page without scripts, styles and drawings, cut."""
    kept: list[str] = []
    length = start = 0
    while length < _MAX_MARKUP_CHARS and (opening := _NO_TEXT.search(html, start)):
        kept.append(html[start : opening.start()])
        length += len(kept[-1])
        closing = re.compile(rf"</{opening[1]}\s*>", re.IGNORECASE).search(html, opening.end())
        start = closing.end() if closing else len(html)
    return "".join([*kept, html[start:]])[:_MAX_MARKUP_CHARS]


def _codec(charset: str) -> str | None:
    """The codec of a charset's name as pages write it, None for one that is not of the web."""
    try:
        name = codecs.lookup(charset).name if charset else ""
    except LookupError:
        return None
    name = _SUPERSETS.get(name, name)
    return name if _WEB_CODECS.fullmatch(name) else None
