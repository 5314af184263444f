"""Clean the columns of raw events, as Arrow tables: each distinct value once, numbers under personal keys too.

What each column is judged by is in rules.yml (`columns`); parameters are judged by their keys.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beha2vec_core.privacy.clean import MARKER, clean_value, cleaned_json
from beha2vec_core.privacy.kinds import is_personal_number
from beha2vec_core.privacy.login import LoginIds
from beha2vec_core.privacy.rules import CLICK_ID, KEPT, kind_of_key, rules

# How text must look that may hold an e-mail address or a secret; what Google writes is judged by it alone.
_STRICT = r"[@＠%&\\(\[{]|ey[A-Za-z0-9_-]{8}|(?:sk|rk|pk)_(?:live|test)|gh[opusr]_|AKIA"
_NUMBERS = ("int_value", "float_value", "double_value")
_REMEMBERED = 500_000  # values, some 100 MB

Judge = Callable[[str], str]


class EventCleaner:
    """Cleans batches of raw events, and counts the values it changed; remembers the values it has judged."""

    def __init__(self, login_ids: LoginIds) -> None:
        self.redacted = 0
        self._login_ids = login_ids
        self._judged: dict[tuple[str | None, str], str] = {}

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with the same columns and rows, and nothing personal in them."""
        columns = [
            # a slice would give the values of all lists, also of those outside it
            self._column(name, name, pa.concat_arrays([column]) if column.offset else column)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    def _column(self, path: str, field: str, array: pa.Array) -> pa.Array:
        kind = array.type
        if pa.types.is_list(kind):
            values = self._column(path, field, array.values)
            return array if values is array.values else _with_values(array, values)
        if pa.types.is_struct(kind):
            names = [kind.field(i).name for i in range(kind.num_fields)]
            if names[:2] == ["key", "value"]:
                return self._parameters(array)
            old = [array.field(i) for i in range(kind.num_fields)]
            new = [self._column(f"{path}.{name}", name, child) for name, child in zip(names, old, strict=True)]
            changed = any(a is not b for a, b in zip(old, new, strict=True))
            return _with_fields(array, new) if changed else array
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return self._text(path, field, array)
        return array

    def _text(self, path: str, field: str, array: pa.Array) -> pa.Array:
        columns = rules().columns
        top = path.split(".")[0]
        if path == "_source_file":
            return array
        if path == "_unknown_fields":
            return self._mapped(array, _clean_json, None)
        if path in columns["login"]:
            return self._mapped(array, self._login_ids.judged, None)
        kind = kind_of_key(field)
        if kind == CLICK_ID:
            return array
        if path in columns["text"] or (top in columns["campaign"] and kind != KEPT):
            return self._mapped(array, partial(self._judge, None), None)
        return self._mapped(array, partial(self._judge, "id"), _STRICT)

    def _judge(self, key: str | None, value: str) -> str:
        known = self._judged.get((key, value))
        if known is None:
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            known = self._judged[key, value] = clean_value(key, value)
        return known

    def _mapped(self, array: pa.Array, judge: Judge, only: str | None) -> pa.Array:
        """The array with each distinct value judged; ``only`` is a pattern of the values worth judging."""
        encoded = array.dictionary_encode()
        values = encoded.dictionary
        if only is not None:
            places = np.flatnonzero(pc.match_substring_regex(values, only).to_numpy(zero_copy_only=False))
        else:
            places = np.arange(len(values))
        changed = {int(i): after for i in places if (after := judge(before := values[int(i)].as_py())) != before}
        if not changed:
            return array
        codes = encoded.indices.to_numpy(zero_copy_only=False)  # floats where some are null
        self.redacted += int(np.isin(codes, list(changed)).sum())
        texts = values.to_pylist()
        for place, after in changed.items():
            texts[place] = after
        return pc.take(pa.array(texts, array.type), encoded.indices)

    def _parameters(self, array: pa.Array) -> pa.Array:
        """Structs of key and value: the value's text judged by the key, and its number if the key is personal."""
        keys, value = array.field(0), array.field(1)
        names = [value.type.field(i).name for i in range(value.type.num_fields)]
        fields = {name: value.field(i) for i, name in enumerate(names)}
        keys = keys.dictionary_encode()
        names_of_keys = [*keys.dictionary.to_pylist(), None]  # the last for entries without a key
        kinds = [(kind_of_key(key) if key else None) or "" for key in names_of_keys]
        groups = sorted(set(kinds))
        of_key = np.array([groups.index(kind) for kind in kinds], dtype=np.int64)
        group = of_key[pc.fill_null(keys.indices, len(kinds) - 1).to_numpy(zero_copy_only=False)]
        # any key of a group stands for all of it
        key_of = dict(zip(reversed(kinds), reversed(names_of_keys), strict=True))
        texts = self._texts_by_group(fields["string_value"], group, [key_of[kind] for kind in groups])
        numbers = {name: fields[name] for name in _NUMBERS if name in fields}
        texts, numbers = self._numbers_by_group(texts, numbers, group, groups)
        fresh = fields | numbers | {"string_value": texts}
        given_keys = array.field(0)
        own_keys = self._mapped(given_keys, partial(self._judge, "id"), _STRICT)
        if own_keys is given_keys and all(fresh[name] is fields[name] for name in names):
            return array
        return _with_fields(array, [own_keys, _with_fields(value, [fresh[name] for name in names])])

    def _texts_by_group(self, array: pa.Array, group: np.ndarray[Any, Any], keys: list[str | None]) -> pa.Array:
        encoded = array.dictionary_encode()
        values = encoded.dictionary
        size = len(values)
        if not size:
            return array
        present = pc.is_valid(encoded.indices).to_numpy(zero_copy_only=False)
        codes = pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False).astype(np.int64)
        pairs = group * size + codes
        seen = np.zeros(len(keys) * size, dtype=bool)
        seen[pairs[present]] = True
        texts = values.to_pylist()
        target = np.tile(np.arange(size), len(keys))
        for pair in np.flatnonzero(seen):
            key, text = keys[pair // size], texts[pair % size]
            if (after := self._judge(key, text)) != text:
                target[pair] = len(texts)
                texts.append(after)
        if len(texts) == size:
            return array
        chosen = target[pairs]
        self.redacted += int((chosen[present] >= size).sum())
        return pc.take(pa.array(texts, array.type), pa.array(chosen, pa.int64(), mask=~present))

    def _numbers_by_group(
        self, texts: pa.Array, numbers: dict[str, pa.Array], group: np.ndarray[Any, Any], groups: list[str]
    ) -> tuple[pa.Array, dict[str, pa.Array]]:
        """Numbers that a personal key makes personal become null, and the text says that something was there."""
        hits = np.zeros(len(texts), dtype=bool)
        fresh = dict(numbers)
        for number, kind in enumerate(groups):
            for name, array in numbers.items():
                if kind in ("", CLICK_ID, KEPT) or not (group == number).any():
                    continue
                here = (group == number) & pc.is_valid(array).to_numpy(zero_copy_only=False)
                for index in np.flatnonzero(here):
                    here[index] = is_personal_number(kind, array[int(index)].as_py())
                if here.any():
                    fresh[name] = pc.if_else(pa.array(here), pa.scalar(None, array.type), fresh[name])
                    hits |= here
        if not hits.any():
            return texts, numbers
        self.redacted += int(hits.sum())
        return pc.if_else(pa.array(hits), pa.scalar(MARKER, texts.type), texts), fresh


def _clean_json(text: str) -> str:
    """What an export holds beyond the schema: a JSON object of path -> value."""
    try:
        value = json.loads(text)
        cleaned = {path: cleaned_json(v, 0, path.rpartition(".")[2]) for path, v in value.items()}
    except (ValueError, RecursionError, AttributeError):
        return clean_value(None, text)
    return text if cleaned == value else json.dumps(cleaned, ensure_ascii=False)


def _with_values(array: pa.Array, values: pa.Array) -> pa.Array:
    validity, offsets = array.buffers()[:2]
    return pa.Array.from_buffers(
        array.type, len(array), [validity, offsets], array.null_count, array.offset, children=[values]
    )


def _with_fields(array: pa.Array, fields: list[pa.Array]) -> pa.Array:
    members = [array.type.field(i) for i in range(array.type.num_fields)]
    return pa.StructArray.from_arrays(fields, fields=members, mask=pc.is_null(array))
