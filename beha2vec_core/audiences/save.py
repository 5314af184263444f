"""Write an audience to the file, which people review: all else in it stays as it is, comments too."""

import re
import shutil
import textwrap
from pathlib import Path

import yaml
from filelock import FileLock

from beha2vec_core.audiences.file import Audience, AudienceError, load_audiences
from beha2vec_core.files import replacing

_BY_HAND = "change it by hand"


def save_audience(path: Path, audience: Audience | None, replaces: Audience | None) -> list[Audience]:
    """Write an audience to the file: at its end, or in place of the one that it replaces, which may have another name.

    The file is made where there is none, and replaced atomically. What is written is read back first.

    Args:
        audience: what the file will say; None: the one that is replaced is removed.
        replaces: what the file said when the person began; None: it had no audience of this name.

    Returns:
        The audiences of the file now.

    Raises:
        AudienceError: the file cannot be read or written, the audience was changed meanwhile, another one has its name,
            or its entry has comments that would be lost.
    """
    file = path.resolve()  # of a link, what it leads to
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock"), timeout=10):
            before = load_audiences(file)
            _check_still(before, audience, replaces, file.name)
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            if replaces is None:
                after = [*before, audience]
            else:
                after = [audience if one.name == replaces.name else one for one in before]
            with replacing(file) as temporary:
                written = _written(text, audience, replaces.name if replaces else "", file.name)
                temporary.write_text(written, encoding="utf-8")
                if load_audiences(temporary) != [one for one in after if one is not None]:
                    raise AudienceError(f"{file.name}: would say something else than before; {_BY_HAND}")
                if file.exists():
                    shutil.copymode(file, temporary)
                    if file.read_text(encoding="utf-8") != text:  # an editor, which takes no lock
                        raise AudienceError(f"{file.name} was changed meanwhile; look at the file, and start again")
    except OSError as error:  # a lock that is not given is one too
        raise AudienceError(f"{file.name}: cannot be written ({type(error).__name__})") from None
    return load_audiences(file)


def _check_still(before: list[Audience], audience: Audience | None, replaces: Audience | None, name: str) -> None:
    """Whether the file says what it said when the person began, and has room for the name."""
    now = {one.name: one for one in before}
    if replaces is not None and now.get(replaces.name) != replaces:
        raise AudienceError(
            f"{name}: audience {replaces.name} was changed meanwhile; look at the file, and start again"
        )
    if audience is not None and (replaces is None or audience.name != replaces.name) and audience.name in now:
        raise AudienceError(f"{name}: there is an audience {audience.name} already; choose another name")


def as_yaml(audience: Audience) -> str:
    """The entry of an audience; what it leaves to the default is left out."""
    entry = audience.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return str(yaml.dump([entry], Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000))


class _Dumper(yaml.SafeDumper):
    """PyYAML loses line breaks of Unicode, but not in double quotes."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if re.search("[\x85\u2028\u2029]", data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _written(text: str, audience: Audience | None, replaces: str, name: str) -> str:
    """The text of the file with the audience, in place of one, or without it."""
    new = as_yaml(audience) if audience else ""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.SequenceNode):  # nothing, or comments only
        return _ended(text) + new
    if root.flow_style:
        if root.value:
            raise AudienceError(f"{name}: its audiences stand in brackets; {_BY_HAND}")
        return _ended(text[: root.start_mark.index] + text[root.end_mark.index :].lstrip("\n")) + new
    column = root.start_mark.column
    entry = textwrap.indent(new, " " * column)
    # the lines that entries begin on, and the one after the last
    first = [
        token.start_mark.line
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.BlockEntryToken) and token.start_mark.column == column
    ]
    lines = text.splitlines(keepends=True)
    names = [_name_of(node) for node in root.value]
    if not replaces:
        return _ended(text) + entry
    place = names.index(replaces)
    begin, end = first[place], [*first[1:], len(lines)][place]
    while not lines[end - 1].split("#")[0].strip():  # comments before the next audience are about that one
        end -= 1
    if any(re.search(r"(^|\s)#", line) for line in lines[begin:end]):
        raise AudienceError(f"{name}: audience {replaces} has comments, which would be lost; {_BY_HAND}")
    return "".join(lines[:begin]) + entry + "".join(lines[end:])


def _name_of(node: yaml.Node) -> str:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((str(value.value) for key, value in pairs if key.value == "name"), "")


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
