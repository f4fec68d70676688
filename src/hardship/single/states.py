"""Keys of what stores hold: a part of an explanation that depends on a few stores only is remembered by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hardship.single.lanes import Layout

if TYPE_CHECKING:
    from hardship.single.scene import Scene
    from hardship.single.show import Ref

Made = TypeVar("Made")
MOST_REMEMBERED = 512


class States:
    """Some stores whose contents together make a key.

    A store of members, supporters or transfers counts with all its rows, and with what these are called.
    """

    __slots__ = ("_of_small", "_of_words", "_refs", "_small", "_words")

    def __init__(self, refs: Sequence[Ref]) -> None:
        self._refs = refs

    def bind(self, layout: Layout) -> None:
        """Find the stores, once their references are bound. Those of a household lie alike in every shape."""
        words, small = layout.outputs[0]
        parts = list(dict.fromkeys((ref.level, *part) for ref in self._refs for part in ref.parts()))
        self._words = _picker([words.index(output) for level, output, word in parts if word and not level])
        self._small = _picker([small.index(output) for level, output, word in parts if not word and not level])
        self._of_words = [(level, output) for level, output, word in parts if word and level]
        self._of_small = [(level, output) for level, output, word in parts if not word and level]

    def key(self, scene: Scene) -> Any:
        """What they hold for one household."""
        found = scene.found
        small, words = found.small, found.words
        if not self._of_words and not self._of_small:
            return self._small(small), self._words(words)
        at, ids = found.at, scene.ids
        rows: list[Any] = [scene.names, self._small(small), self._words(words)]
        for level, output in self._of_small:
            begin = at[output]
            rows.append(small[begin : begin + len(ids[level])])
        for level, output in self._of_words:
            begin = at[output]
            rows += words[begin : begin + len(ids[level])].tolist()
        return tuple(rows)


def _picker(places: list[int]) -> Callable[[Any], Any]:
    return itemgetter(*(places or [0]))


class Remembered(Generic[Made]):
    """What was made of states that occurred before; bounded."""

    __slots__ = ("_known", "_make", "states")

    def __init__(self, states: States, make: Callable[[Scene], Made]) -> None:
        self.states, self._make = states, make
        self._known: dict[Any, Made] = {}

    def of(self, scene: Scene) -> Made:
        """The same as making it anew."""
        key = self.states.key(scene)
        made = self._known.get(key)
        if made is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            made = self._known[key] = self._make(scene)
        return made
