"""What the kernels of `engine.scan` are told about a set of attributes: slots, names, and tokens with their meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from hardship.attributes import LEVELS, scale, stored_bounds, value_names
from hardship.engine import scan_layout as lay
from hardship.language.fields import DeclaredAttribute
from hardship.limits import SUPPORTERS, TRANSFERS
from hardship.reading.structure import OLDEST
from hardship.single.household import ODD, Reader

Array = npt.NDArray[Any]
MOST_LEARNED = 1_024
LEARNED_BYTES = 32_768
NAMES = ("table", "on", "explain", "household", "members", "supporters", "transfers")
"""The names outside rows, in the order of `lay.TABLE` and those after it."""
KINDS = {
    "int": lay.WHOLE, "money": lay.WHOLE, "decimal": lay.WHOLE, "date": lay.DAY, "code": lay.CODE,
}  # fmt: skip
STRUCTURE: tuple[Mapping[str, int], ...] = (
    {"household_id": lay.OWN, "area_code": lay.AREA},
    {"household_id": lay.SAME, "member_id": lay.OWN},
    {"household_id": lay.SAME, "member_id": lay.OF_MEMBER, "supporter_id": lay.OWN},
    {"household_id": lay.SAME, "member_id": lay.OF_MEMBER},
)
PLACES = {lay.OWN: lay.ITSELF, lay.SAME: lay.HOME, lay.OF_MEMBER: lay.MEMBER}
LONGEST_SET = 60
Token = tuple[bytes, int, int]
"""A text of the body, what is mixed into its hash, and what it is stored as."""


class Texts:
    """A hash table as the kernels read it, half empty at least.

    Attributes:
        entries: int64; `start` and `mask`: where it begins and how many entries it has, less one.
        heap: uint8, the bytes of its texts; `used`: of them.
    """

    __slots__ = ("entries", "heap", "mask", "start", "used")

    def __init__(self, entries: Array, start: int, mask: int, heap: Array, used: int = 0) -> None:
        self.entries, self.start, self.mask, self.heap, self.used = entries, start, mask, heap, used

    def put(self, text: bytes, salt: int, means: int) -> None:
        """Enter a text that is not there yet; there must be room."""
        found = 0
        for byte in text:
            found = (found * 31 + byte) & lay.LOW_32
        key = (found ^ (salt * lay.SALT)) & lay.LOW_32
        place = (key ^ (key >> 16)) & self.mask
        while self.entries[self.start + place * lay.ENTRY + lay.LENGTH]:
            place = (place + 1) & self.mask
        at = self.start + place * lay.ENTRY
        self.entries[at : at + lay.ENTRY] = key, self.used, len(text), means
        self.heap[self.used : self.used + len(text)] = np.frombuffer(text, np.uint8)
        self.used += len(text)


def mask_for(count: int) -> int:
    """The mask of a hash table that is at most half full with so many texts."""
    return int((1 << (2 * count).bit_length()) - 1)


class Told:
    """One set of attributes for the kernels. Never changed once readers have it: `with_token` makes another one.

    Attributes:
        about, heap: what `kernels.scan` takes.
        learned: how many tokens came after the legal values.
    """

    __slots__ = ("about", "heap", "learned", "tokens")

    def __init__(self, about: Array, heap: Array, tokens: Texts, learned: int = 0) -> None:
        self.about, self.heap, self.tokens, self.learned = about, heap, tokens, learned

    def with_token(self, text: bytes, salt: int, means: int) -> Told | None:
        """The same with one token more; None if there is no room."""
        tokens = self.tokens
        if self.learned >= MOST_LEARNED or tokens.used + len(text) > self.heap.size:
            return None
        about, heap = self.about.copy(), self.heap.copy()
        more = Texts(about, tokens.start, tokens.mask, heap, tokens.used)
        more.put(text, salt, means)
        return Told(about, heap, more, self.learned + 1)


class Slots:
    """Numbers for attributes and ids, level by level.

    Attributes:
        of: by level, name → number among all slots.
        attributes: of each slot the attribute, None for an id.
        first: of each level its first slot; at the end their count.
        dense: where the first row of each level lies in `work`; at the end its size.
    """

    def __init__(self, attributes: Mapping[str, DeclaredAttribute]) -> None:
        self.of: list[dict[str, int]] = []
        self.attributes: list[DeclaredAttribute | None] = []
        self.first = [0]
        for level, structure in zip(LEVELS, STRUCTURE, strict=True):
            own = {one.name: one for one in attributes.values() if one.level == level}
            names: dict[str, DeclaredAttribute | None] = dict.fromkeys(structure) | own
            self.of.append({name: self.first[-1] + place for place, name in enumerate(names)})
            self.attributes += names.values()
            self.first.append(len(self.attributes))
        self.dense = [lay.LACKS + len(self.attributes)]
        for place, named in enumerate(self.of):
            self.dense.append(self.dense[-1] + len(named) * (lay.MOST_ROWS if place else 1))

    def place(self, level: int, name: str) -> int:
        """A slot's number on its level, -1 where there is none."""
        return self.of[level].get(name, self.first[level] - 1) - self.first[level]


def told(slots: Slots, reader: Reader) -> Told:
    """What the kernels are told before anything was learned."""
    names = [
        (name.encode(), level, slot - slots.first[level])
        for level, named in enumerate(slots.of)
        for name, slot in named.items()
    ] + [(name.encode(), lay.TOP, place) for place, name in enumerate(NAMES)]
    tokens = list(_legal(slots, reader))
    head = _head(slots, reader)
    names_at = len(head)
    name_mask, token_mask = mask_for(len(names)), mask_for(len(tokens) + MOST_LEARNED)
    tokens_at = names_at + (name_mask + 1) * lay.ENTRY
    about = np.zeros(tokens_at + (token_mask + 1) * lay.ENTRY, np.int64)
    about[:names_at] = head
    about[lay.NAMES], about[lay.NAMES_MASK] = names_at, name_mask
    about[lay.TOKENS], about[lay.TOKENS_MASK] = tokens_at, token_mask
    heap = np.zeros(sum(len(text) for text, _, _ in (*names, *tokens)) + LEARNED_BYTES, np.uint8)
    known = Texts(about, names_at, name_mask, heap)
    for text, salt, means in names:
        known.put(text, salt, means)
    known = Texts(about, tokens_at, token_mask, heap, known.used)
    for text, salt, means in tokens:
        known.put(text, salt, means)
    return Told(about, heap, known)


def _head(slots: Slots, reader: Reader) -> list[int]:
    """The integers before the hash tables."""
    head = [0] * lay.ABOUT
    for level, named in enumerate(slots.of):
        head[lay.COUNT + level] = len(named)
        head[lay.DENSE + level] = slots.dense[level]
        head[lay.FIRST + level] = slots.first[level]
        for name, kind in STRUCTURE[level].items():
            if kind in PLACES:
                head[PLACES[kind] + level] = slots.place(level, name)
    for at, level, name in (
        (lay.PLACED, 0, "area_code"), (lay.RESIDENCE, 0, "residence_type"),
        (lay.SIZE, 0, "household_size_counted"), (lay.BORN, 1, "birth_date"),
        (lay.RELATION, 1, "relation_to_head"), (lay.COUNTED, 1, "member_counted"),
    ):  # fmt: skip
        head[at] = slots.place(level, name)
    head[lay.HEAD], head[lay.COUNTS] = reader.head, reader.counts
    head[lay.TODAY], head[lay.OLDEST] = reader.today, OLDEST
    head[lay.LIMIT + 2], head[lay.LIMIT + 3] = SUPPORTERS, TRANSFERS
    head[lay.SLOTS] = len(head)
    for attribute, kind in zip(slots.attributes, _structural(slots), strict=True):
        head += _slot(attribute) if attribute is not None else [kind, 0, 0, 0]
    for level, named in enumerate(slots.of):
        head[lay.ORDERED + level] = len(head)
        for name in sorted(named):
            if slots.attributes[named[name]] is not None or name == "supporter_id":
                head.append(slots.place(level, name))
        head.append(-1)
    return head


def _structural(slots: Slots) -> list[int]:
    """Of each slot what kind of id it is, -1 for attributes."""
    return [STRUCTURE[level].get(name, -1) for level, named in enumerate(slots.of) for name in named]


def _slot(attribute: DeclaredAttribute) -> list[int]:
    kind = KINDS.get(attribute.type, lay.LABEL)
    if kind not in (lay.WHOLE, lay.DAY):
        return [kind, 0, 0, 0]
    return [kind, len(str(scale(attribute))) - 1, *stored_bounds(attribute)]


def salt_of(slot: int, form: int) -> int:
    """What is mixed into the hash of a token: the slot among all, and how it stands in the body."""
    return slot * 2 + form


def _legal(slots: Slots, reader: Reader) -> Iterator[Token]:
    """The tokens that hold from the start: legal values and their titles, truths, sets of one value."""
    for level, named in enumerate(slots.of):
        for name, slot in named.items():
            attribute = slots.attributes[slot]
            if attribute is None or attribute.type not in ("bool", "enum", "set"):
                continue
            texts = [*value_names(attribute), *("true", "false", "是", "否", "none", "无")]
            texts += [text for one in attribute.values if one.title for text in (one.title.zh, one.title.en)]
            given: list[Any] = [True, False, *dict.fromkeys(text for text in texts if plain(text))]
            if attribute.type == "set":
                given += [[], *([value] for value in value_names(attribute))]
            for value in given:
                stored = reader.meaning(level, name, value)
                if stored is not ODD and stored is not None:
                    yield token(slot, orjson.dumps(value), stored)


def plain(text: str) -> bool:
    """Whether a text may stand in JSON as it is, seen by everybody."""
    return text.isprintable() and max(text, default="") < "\ufff0" and '"' not in text and "\\" not in text


def token(slot: int, raw: bytes, stored: int) -> Token:
    """A value as it stands in a body, with what it is stored as."""
    if raw.startswith(b'"'):
        return raw[1:-1], salt_of(slot, lay.IN_QUOTES), stored
    return raw, salt_of(slot, lay.AS_IS), stored
