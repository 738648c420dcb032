"""Conditions in the words of a user: what they mean, and what they cannot do."""

import operator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection

# Each strategy draws the text of an expression and a function that calculates
# it from a row as SQL defines it, where None is null.
NUMBERS = ["snr", "psfFlux", "reliability", "diaObjectId", "detector"]


def lifted(function):
    """Return a function that is null when one of its arguments is."""
    return lambda *values: None if None in values else function(*values)


def negation(value):
    return None if value is None else not value


def conjunction(a, b):
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def disjunction(a, b):
    return negation(conjunction(negation(a), negation(b)))


def apply(function, *parts):
    return lambda row: function(*(part(row) for part in parts))


column = st.sampled_from(NUMBERS).map(lambda name: (name, lambda row: row[name]))
constant = st.sampled_from([0, 1, 2.5, -3, 0.5]).map(lambda value: (repr(value), lambda row: value))


def arithmetic(inner):
    def combine(parts):
        (a, f), symbol, (b, g) = parts
        if symbol == "/":
            return f"({a} / {b})", apply(lambda x, y: None if None in (x, y) or y == 0 else x / y, f, g)
        functions = {"+": operator.add, "-": operator.sub, "*": operator.mul}
        return f"({a} {symbol} {b})", apply(lifted(functions[symbol]), f, g)

    return st.tuples(inner, st.sampled_from("+-*/"), inner).map(combine) | inner.map(
        lambda part: (f"abs({part[0]})", apply(lifted(abs), part[1]))
    )


number = st.recursive(column | constant, arithmetic, max_leaves=4)
COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
comparison = st.tuples(number, st.sampled_from(list(COMPARISONS)), number).map(
    lambda p: (f"({p[0][0]} {p[1]} {p[2][0]})", apply(lifted(COMPARISONS[p[1]]), p[0][1], p[2][1]))
)
other = st.sampled_from(
    [
        ("isDipole", lambda row: row["isDipole"]),
        ("isDipole == 1", lambda row: row["isDipole"]),
        (
            "pixelFlags_bad != isDipole",
            apply(lifted(operator.ne), lambda r: r["pixelFlags_bad"], lambda r: r["isDipole"]),
        ),
        ("band in ('g', 'i')", apply(lifted(lambda b: b in ("g", "i")), lambda r: r["band"])),
        ("band not in ['g']", apply(lifted(lambda b: b != "g"), lambda r: r["band"])),
        ("detector in (1, 2.5, 3)", lambda r: r["detector"] in (1, 3)),
        ("diaObjectId in ()", lambda r: False),
        ("band != 'r'", apply(lifted(lambda b: b != "r"), lambda r: r["band"])),
        ("reliability is None", lambda r: r["reliability"] is None),
        ("snr is not None", lambda r: r["snr"] is not None),
        ("0.2 < reliability <= 0.7", apply(lifted(lambda x: 0.2 < x <= 0.7), lambda r: r["reliability"])),
        ("diaObjectId", apply(lifted(bool), lambda r: r["diaObjectId"])),
    ]
)
truth = st.recursive(
    comparison | other,
    lambda inner: (
        inner.map(lambda p: (f"(not {p[0]})", apply(negation, p[1])))
        | st.tuples(inner, inner).map(
            lambda p: (f"({p[0][0]} and {p[1][0]})", apply(conjunction, p[0][1], p[1][1]))
        )
        | st.tuples(inner, inner).map(
            lambda p: (f"({p[0][0]} or {p[1][0]})", apply(disjunction, p[0][1], p[1][1]))
        )
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def rows(catalogues):
    """The sources that are not withdrawn, in the order of the work."""
    return Selection().apply(catalogues["table"]).to_pylist()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(truth)
def test_a_condition_means_the_same_everywhere(rows, select, condition):
    text, calculate = condition
    expected = [row["diaSourceId"] for row in rows if calculate(row) is True]
    assert select(Selection(where=text), page_rows=500) == expected


@pytest.mark.parametrize(
    ("text", "least", "greatest"),
    [
        ("sqrt(psfFlux) > 0.5", 0.25, 99),
        ("log10(psfFlux) < -0.5", 1e-9, 0.3162),
        ("sqrt(psfFlux) >= 0", 0, 99),
    ],
)
def test_functions_are_null_off_their_domain(rows, select, text, least, greatest):
    expected = [
        r["diaSourceId"]
        for r in rows
        if (r["psfFlux"] is not None and least < r["psfFlux"] < greatest)
        or (r["psfFlux"] == 0 and ">= 0" in text)
    ]
    assert select(Selection(where=text)) == expected


def test_not_even_null_is_among_none(rows, select):
    assert any(row["reliability"] is None for row in rows)
    assert select(Selection(where="reliability in ()")) == []
    assert select(Selection(where="reliability not in ()")) == [row["diaSourceId"] for row in rows]


def test_identifiers_keep_all_their_digits(select):
    assert select(Selection(where=f"diaSourceId == {2**61 + 1}")) == [2**61 + 1]
    assert select(Selection(where=f"diaSourceId in ({2**61 + 1},)")) == [2**61 + 1]


INJECTIONS = [
    "1; DROP TABLE DiaSource",
    "1) OR 1=1 --",
    "snr > 0 UNION SELECT * FROM metadata",
    "__import__('os').system('true')",
    "open('/etc/passwd')",
    "snr.__class__",
    "().__class__.__bases__[0]",
    "(lambda: 1)()",
    "[x for x in (1,)]",
    "snr if snr else 1",
    "f'{snr}' == 'x'",
    "snr ** 999999999",
    "snr << 3",
    "exec('x')",
    "abs(snr, snr)",
    "abs(*snr)",
    "b'x' == band",
    "1j > snr",
    "None",
    "...",
    "snr in band",
    "snr is band",
    "(x := 3) > 2",
    "9" * 40 + " > snr",
    "",
    "\0",
    "(" * 5000,
    "not " * 2000 + "isDipole",
    "snr > " + "1" * 20_000,
]


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_what_is_no_condition_is_refused_in_one_line(text):
    with pytest.raises(CutoutsError) as caught:
        Selection(where=text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["band == '\\' OR 1=1 --'", 'band == "; DROP TABLE \\"DiaSource\\"; --"', "band == '%s'"]
)
def test_text_stays_text(select, text):
    assert select(Selection(where=text)) == []
    assert select(Selection(limit=1))


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(where="unheard_of > 1"), "no column 'unheard_of'"),
        (Selection(excluded_flags=('x" = 1 OR "a',)), "no column"),
        (Selection(required_flags=("1=1; --",)), "no column"),
        (Selection(where="band"), "not a condition"),
        (Selection(where="band > 'g'"), "== and !="),
        (Selection(where="band == 3"), "cannot compare"),
        (Selection(where="snr == 'x'"), "cannot compare"),
        (Selection(where="abs(band) > 1"), "cannot be used with abs"),
        (Selection(where="snr in ('x',)"), "cannot be one of"),
    ],
)
def test_wrong_conditions_are_named_by_every_catalogue(catalogues, selection, said):
    with pytest.raises(CutoutsError, match=said):
        selection.apply(catalogues["table"])
    for name in ("sqlite", "postgres"):
        with pytest.raises(CutoutsError, match=said):
            list(catalogues[name].read(selection))
