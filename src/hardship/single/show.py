"""Pieces of an explanation that is filled in rather than built: references to stores, values as JSON, templates.

A template is the JSON of an entry with holes; what does not depend on the household is encoded once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from hardship.engine.kernels_texts import AS_JSON, PLAIN, WORDS
from hardship.errors import EngineError, Fault
from hardship.explaining import values as explain_values
from hardship.explaining.view import Told
from hardship.language.fields import Level
from hardship.language.nodes import Node
from hardship.language.table import Test
from hardship.language.units import NONE, Unit
from hardship.lowering.explained import Wanted
from hardship.lowering.ops import LEVEL
from hardship.reference.values import Value
from hardship.single import numbers
from hardship.single.lanes import Layout, Slot
from hardship.single.record import Found
from hardship.single.states import Gathering, States
from hardship.single.texts import Text

if TYPE_CHECKING:
    from hardship.single.scene import Scene

Key = Any
"""What a store holds at a row: None where it is missing, else an integer; of a ratio dividend and divisor."""
TRUE, FALSE = 1, 2
CUT = b"\x00"  # stands in no JSON
Filling = TypeVar("Filling")
KLEENE = {TRUE: True, FALSE: False, None: None}


def dumps(value: Any) -> bytes:
    """JSON with sorted keys and no blanks."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


class Ref:
    """A store, by a name that the program knows once it is lowered.

    Attributes:
        texts: in which forms its number is shown. It then decides nothing: only whether it is missing is in keys.
    """

    __slots__ = ("_divisor", "_truth", "_valid", "_value", "_word", "level", "name", "slot", "texts")

    def __init__(self, name: str, level: Level) -> None:
        self.name, self.level = name, LEVEL[level]
        self.texts: list[Text] = []
        self.slot: Slot

    def bind(self, layout: Layout) -> None:
        """Find the store in the program.

        Raises:
            EngineError: it stands on another level.
        """
        slot = self.slot = layout.slots[self.name]
        if slot.level != self.level:
            raise EngineError(Fault("common.engine", params={"what": f"the level of {self.name}"}))
        self._value, self._valid, self._divisor = slot.value, slot.valid, slot.divisor
        self._word, self._truth = slot.word, slot.type == "bool"
        if slot.type != "number":
            self.texts = []

    def parts(self) -> list[tuple[int, bool]]:
        """The outputs that decide what is shown, and whether they are words."""
        parts = [(self._valid, False)]
        if not self.texts:
            parts = [(self._value, self._word), *parts, (self._divisor, True)]
        return [part for part in parts if part[0] >= 0]

    def spec(self, over: int) -> list[int]:
        """Its outputs for the kernel that writes numbers; times `1 / over`."""
        slot = self.slot
        return [self._value, self._word, self._valid, self._divisor, slot.den * over, slot.divisor_den]

    def key(self, found: Found, row: int = 0) -> Key:
        """What it holds at a row of its level; of a truth 1, 2 or None."""
        at = found.at
        if self._valid >= 0 and not found.small[at[self._valid] + row]:
            return None
        if self._word:
            value = found.words[at[self._value] + row]
            return value if self._divisor < 0 else (value, found.words[at[self._divisor] + row])
        small = found.small[at[self._value] + row]
        return (small or None) if self._truth else small

    def truth(self, found: Found, row: int = 0) -> bool | None:
        """The truth that it holds."""
        return KLEENE[self.key(found, row)]

    def fraction(self, key: Key) -> tuple[int, int]:
        """A number as dividend and divisor."""
        slot = self.slot
        if self._divisor < 0:
            return key, slot.den
        return key[0] * slot.divisor_den, key[1] * slot.den


class Wants:
    """The stores that a plan needs, each asked for once.

    Attributes:
        forms: the parts of the full explanation and of the short one.
    """

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []
        self.refs: list[Ref] = []
        self.forms = Gathering(), Gathering()
        self._known: dict[tuple[Any, ...], str] = {}

    def name(self, name: str, level: Level) -> Ref:
        """A store that every such program has."""
        return self._ref(name, level)

    def node(self, node: Node, level: Level) -> Ref:
        """A node's value at the rows of a level."""
        return self._want(("node", id(node), level), level, "node", node=node)

    def test(self, test: Test) -> Ref:
        """Whether a test of a ladder holds or is waived."""
        return self._want(("test", id(test)), "household", "test", test=test)

    def counted(self, level: Level) -> Ref:
        """Whether the member of a row counts."""
        return self._want(("counted", level), level, "counted")

    def taken(self, aggregate: Node, entity: Level, above: Level) -> Ref:
        """Whether an aggregate that stands at `above` takes a row."""
        return self._want(("taken", id(aggregate), above), entity, "taken", node=aggregate, above=above)

    def states(self, refs: Sequence[Ref | None], *, short: bool, by_row: bool = False) -> States:
        """What some stores hold together."""
        return self.forms[short].states(refs, by_row=by_row)

    def shower(self, told: Told, ref: Ref, unit: Unit = NONE, name: str = "", *, decides: bool = False) -> Shower:
        """The values of one store (`Shower`)."""
        return Shower(told, ref, unit, name, decides=decides)

    def seen(self, told: Told, ref: Ref, unit: Unit) -> Shower:
        """The same of numbers that the full explanation shows outside its parts."""
        shower = self.shower(told, ref, unit)
        self.forms[False].number(shower.text)
        return shower

    def leaf(self, told: Told, ref: Ref, unit: Unit, name: str, brackets: tuple[str, str]) -> Shower:
        """The same inside a calculation."""
        return Shower(told, ref, unit, name, plain=brackets)

    def _want(self, key: tuple[Any, ...], level: Level, kind: Any, **further: Any) -> Ref:
        if key not in self._known:
            self._known[key] = f"want:{len(self.wanted)}"
            self.wanted.append(Wanted(self._known[key], level, kind, **further))
        return self._ref(self._known[key], level)

    def _ref(self, name: str, level: Level) -> Ref:
        self.refs.append(Ref(name, level))
        return self.refs[-1]


class Shower:
    """One store's values in all the forms that an explanation has them.

    Args:
        plain: within calculations: numbers without their unit, in brackets where they are negative.
        decides: its number decides more than how it is shown, so that keys hold it.
    """

    def __init__(
        self, told: Told, ref: Ref, unit: Unit, name: str, *, plain: tuple[str, str] | None = None,
        decides: bool = False,
    ) -> None:  # fmt: skip
        self.told, self.ref, self.unit, self.name = told, ref, unit, name
        self.money = unit.power("money")
        words = told.words.unit(unit)
        self.suffix = f" {words}" if words else ""
        self.unit_json = dumps(str(unit))
        before, after = plain or (self.suffix, "")
        form = AS_JSON if plain is None else PLAIN
        self.text = Text(ref, self.money, (inside(before), inside(after)), form=form)
        self._words = Text(ref, self.money, (inside(self.suffix), b""), form=WORDS)
        if not decides:
            ref.texts.append(self.text)

    def json(self, scene: Scene, row: int = 0) -> tuple[bytes, bytes, bytes]:
        """`value`, `exact` and `text` as JSON of what a row holds."""
        ref = self.ref
        key = ref.key(scene.found, row)
        if ref.texts and key is not None:
            return scene.three(self.text, row)
        return self.of_key(key)

    def worded(self) -> None:
        """Ask for `words` too."""
        self.ref.texts.append(self._words)

    def words(self, scene: Scene) -> str:
        """The household's value as people read it."""
        key = self.ref.key(scene.found)
        if key is None or not self.ref.texts:
            return str(orjson.loads(self.of_key(key)[2]))
        return scene.text(self._words).decode()

    def of_key(self, key: Key) -> tuple[bytes, bytes, bytes]:
        """The same of what a store holds."""
        if key is not None and self.ref.slot.type == "number":
            decimal, exact, text = numbers.shown(*self.ref.fraction(key), self.money)
            return b'"%b"' % decimal.encode(), b'"%b"' % exact.encode(), dumps(text + self.suffix)
        value = self.value(key)
        told = explain_values.text(value, self.told.words, self.name, self.unit)
        return dumps(explain_values.decimal(value, self.unit)), dumps(explain_values.exact(value)), dumps(told)

    def plain(self, scene: Scene, row: int) -> str:
        """The value inside a calculation, a number without its unit."""
        ref = self.ref
        key = ref.key(scene.found, row)
        if ref.texts and key is not None:
            return scene.text(self.text, row).decode()
        return explain_values.plain(self.value(key), self.told.words, self.name, self.unit)

    def value(self, key: Key) -> Value:
        """The value as the reference has it.

        Raises:
            EngineError: the store is of codes, whose texts it does not hold.
        """
        return plain_value(self.ref, key)


def plain_value(ref: Ref, key: Key) -> Value:
    """What a store holds as a plain value; None where it is missing."""
    slot = ref.slot
    if key is None:
        return None
    match slot.type:
        case "number":
            return Fraction(*ref.fraction(key))
        case "bool":
            return bool(key == TRUE)
        case "date":
            return dt.date(key // 10_000, key // 100 % 100, key % 100)
        case "enum":
            return str(slot.domain[key])
        case "set":
            return frozenset(name for bit, name in enumerate(slot.domain) if key >> bit & 1)
        case _:
            raise EngineError(Fault("common.engine", params={"what": f"{ref.name} is a code"}))


class Hole:
    """A place in a template, filled with JSON."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Template:
    """JSON with sorted keys and holes.

    Args:
        entry: what is encoded; a `Hole` anywhere in it stays open.
        order: the holes' names in the order in which `fill` is given their JSON.
    """

    __slots__ = ("_form", "_holes", "_parts", "_pick")

    def __init__(self, entry: Any, order: Sequence[str]) -> None:
        self._parts: list[bytes] = [b""]
        self._holes: list[str] = []
        _write(entry, self._parts, self._holes)
        self._form = b"%b".join([part.replace(b"%", b"%%") for part in self._parts])
        places = [list(order).index(name) for name in self._holes]
        self._pick: Callable[[Sequence[bytes]], Any] | None = None
        if places != list(range(len(order))):
            if len(places) == 1:
                only = places[0]
                self._pick = lambda given: (given[only],)
            else:
                self._pick = itemgetter(*places) if places else lambda given: ()

    def fill(self, given: tuple[bytes, ...]) -> bytes:
        """The JSON with every hole filled."""
        return self._form % (given if self._pick is None else self._pick(given))

    def around(self, given: Mapping[str, Sequence[Filling]]) -> list[bytes | Filling]:
        """The pieces that stand in the holes, with the JSON between them."""
        pieces: list[bytes | Filling] = [self._parts[0]]
        for hole, part in zip(self._holes, self._parts[1:], strict=True):
            pieces += [*given[hole], part]
        return pieces


def _write(entry: Any, parts: list[bytes], holes: list[str]) -> None:
    """Add to the last part, and begin another one after each hole."""
    if isinstance(entry, Hole):
        parts.append(b"")
        holes.append(entry.name)
    elif isinstance(entry, Mapping) and _open(entry):
        for place, name in enumerate(sorted(entry)):
            parts[-1] += (b'{"%b":' if place == 0 else b',"%b":') % name.encode()
            _write(entry[name], parts, holes)
        parts[-1] += b"}"
    else:
        parts[-1] += dumps(entry)


def _open(entry: Any) -> bool:
    """Whether there is a hole inside."""
    if isinstance(entry, Mapping):
        return any(_open(value) for value in entry.values())
    return isinstance(entry, Hole)


def inside(text: str) -> bytes:
    """A text as JSON without its quotes; marks in it stay marks."""
    return dumps(text)[1:-1].replace(rb"\u0001", b"\x01").replace(rb"\u0002", b"\x02")


def truth(value: bool) -> bytes:
    """A truth as JSON."""
    return b"true" if value else b"false"


def listed(entries: Sequence[bytes]) -> bytes:
    """A JSON list."""
    return b"[" + b",".join(entries) + b"]"


def holes(*names: str) -> dict[str, Hole]:
    """A hole under each key."""
    return {name: Hole(name) for name in names}
