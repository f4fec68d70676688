"""500 mutated tables: every list of bands with a gap or an overlap is refused, and no sound one is.

The judge is apart from the checker: it asks for many values how many bands claim each of them.
"""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from hardship.errors import TableError
from hardship.load import load_text

Band = dict[str, Fraction | bool]
TITLE = 'title = { zh = "例", en = "x" }'
HEAD = f"""[table]
id = "t"
version = 2018-01-01
{TITLE}
place = {{ zh = "x", en = "x" }}
currency = "CNY"

[rank]
keys = [{{ value = "0", order = "ascending" }}]
"""


def in_item(bands: list[Band]) -> str:
    """A table whose item has these bands."""
    lines = ", ".join("{ " + ", ".join((*edges(band), f"points = {i}")) + " }" for i, band in enumerate(bands))
    item = f'[[item]]\nid = "a"\n{TITLE}\nvalue = "household_size_counted"\nbands = [{lines}]\n'
    return f'{HEAD}\n[[index]]\nid = "score"\n{TITLE}\n\n{item}'


def on_axis(bands: list[Band]) -> str:
    """A table whose look-up has these bands."""
    lines = ", ".join("{ " + ", ".join(edges(band)) + " }" for band in bands)
    cells = ", ".join(str(i) for i in range(len(bands)))
    lookup = f'[[lookup]]\nname = "rate"\n{TITLE}\nrows = {{ bands = [{lines}] }}\ncells = [{cells}]\n'
    return f'{HEAD}\n{lookup}\n[[output]]\nname = "a"\nexpr = "lookup(rate, household_size_counted)"\n'


def edges(band: Band) -> list[str]:
    return [f"{key} = {str(edge).lower() if isinstance(edge, bool) else float(edge)}" for key, edge in band.items()]


def sound(bands: list[Band]) -> bool:
    """Whether every value is claimed by exactly one band, and every band claims one."""
    claimed = [0] * len(bands)
    for value in (Fraction(n, 8) for n in range(-80, 360)):
        claims = [i for i in range(len(bands)) if claims_value(bands, i, value)]
        if len(claims) != 1:
            return False
        claimed[claims[0]] += 1
    return all(claimed)


def claims_value(bands: list[Band], i: int, value: Fraction) -> bool:
    """A band reaches from the edge before it to its own edge; without one edge of its own it is none."""
    if len(bands[i]) != 1:
        return False
    if i and "otherwise" in bands[i - 1]:
        return False
    above = i == 0 or not under(bands[i - 1], value)
    return above and under(bands[i], value)


def under(band: Band, value: Fraction) -> bool:
    if "below" in band:
        return value < band["below"]
    if "at_most" in band:
        return value <= band["at_most"]
    return "otherwise" in band


def good_bands(pick: random.Random) -> list[Band]:
    """Two to six ascending edges of either kind, then the rest."""
    places = sorted(pick.sample(range(2, 60), pick.randint(2, 6)))
    bands: list[Band] = [{pick.choice(["below", "at_most"]): Fraction(place, 2)} for place in places]
    return [*bands, {"otherwise": True}]


def mutate(pick: random.Random, bands: list[Band]) -> list[Band]:
    """One change, harmless or not."""
    bands = [dict(band) for band in bands]
    i = pick.randrange(len(bands) - 1)
    key, edge = next(iter(bands[i].items()))
    match pick.randrange(12):
        case 0:  # the rest is not covered
            bands.pop()
        case 1:  # two neighbours change places
            j = pick.randrange(len(bands) - 1)
            bands[i], bands[j] = bands[j], bands[i]
        case 2:  # an edge moves, perhaps past its neighbour
            bands[i] = {key: edge + Fraction(pick.randint(-16, 16), 2)}
        case 3:  # an edge is written twice
            bands.insert(i, dict(bands[i]))
        case 4:  # an edge changes sides
            bands[i] = {"at_most" if key == "below" else "below": edge}
        case 5:  # a band loses its edge
            bands[i] = {}
        case 6:  # a band has both edges
            bands[i] = {"below": edge, "at_most": edge}
        case 7:  # the rest comes too early
            bands.insert(i, {"otherwise": True})
        case 8:  # one band fewer
            del bands[i]
        case 9:  # one band more: exactly the edge itself
            bands[i : i + 1] = [{"below": edge}, {"at_most": edge}]
        case 10:  # one band more, the wrong way round
            bands[i : i + 1] = [{"at_most": edge}, {"below": edge}]
        case _:  # a finer edge
            bands.insert(i, {pick.choice(["below", "at_most"]): edge - Fraction(1, 4)})
    return bands


def accepted(text: str) -> bool:
    try:
        load_text(text)
    except TableError as error:
        codes = {fault.code for fault in error.faults}
    else:
        return True
    assert codes <= {"table.band_edge", "table.band_end", "table.band_order", "table.band_otherwise"}
    return False


@pytest.mark.parametrize("seed", range(10))
def test_gaps_and_overlaps_are_refused_and_nothing_else(seed: int) -> None:
    pick = random.Random(seed)
    verdicts = []
    for _ in range(50):
        bands = good_bands(pick)
        assert sound(bands)
        changed = mutate(pick, bands)
        write = pick.choice([in_item, on_axis])
        assert accepted(write(changed)) == sound(changed), changed
        verdicts.append(sound(changed))
    assert 5 < sum(verdicts) < 45


@pytest.mark.parametrize("seed", range(20))
def test_good_bands_are_accepted(seed: int) -> None:
    bands = good_bands(random.Random(seed))
    assert accepted(in_item(bands))
    assert accepted(on_axis(bands))
