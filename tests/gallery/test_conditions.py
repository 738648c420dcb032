"""The page's conditions mean what those of --where mean, to the last row and the last refusal."""

import random

import pyarrow as pa
import pytest
from tests.gallery.directories import rows

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.sources import Selection

REFUSED = "refused"

EVALUATE = """(texts) => texts.map((text) => {
  try {
    const wanted = Gallery.compileCondition(text, Gallery.data.table);
    return Array.from({ length: Gallery.data.rows }, (_, row) => row).filter(wanted);
  } catch (error) {
    if (error instanceof Gallery.ConditionError) return "refused";
    throw error;
  }
})"""


@pytest.fixture(scope="module")
def table():
    """A catalogue with what can go wrong: null, NaN, infinities, great integers, texts."""
    base = rows(120, seed=5)
    times = pa.array(range(120), pa.timestamp("us"))
    odd = [float("inf"), float("-inf"), float("nan"), 0.0, -0.0, None] * 20
    more = {
        "odd": pa.array(odd, pa.float64()),
        "time": times,
        "name": pa.array(["it's", 'a "b"', "new\nline", "é", None, ""] * 20),
        "great": pa.array([2**63 - 1, -(2**63), 2**53 + 1, 0, 1, None] * 20, pa.int64()),
        "plain": pa.array(["x", "y"] * 60).dictionary_encode(),
    }
    for column, values in more.items():
        base = base.append_column(column, values)
    return base


@pytest.fixture(scope="module")
def both(browser, write, table):
    """A function that returns what the package and the page make of conditions."""
    page = browser.new_page()
    page.goto(write(table).as_uri())
    places = {
        identifier: row
        for row, identifier in enumerate(
            page.evaluate("() => Array.from({ length: Gallery.data.rows }, (_, row) => Gallery.data.id(row))")
        )
    }

    def package(text):
        try:
            ids = Selection(where=text).apply(table).column("diaSourceId").to_pylist()
        except CutoutsError:
            return REFUSED
        return sorted(places[str(identifier)] for identifier in ids)

    def compare(texts):
        return [package(text) for text in texts], page.evaluate(EVALUATE, texts)

    yield compare
    page.close()


class Writer:
    """Writes conditions at random, right ones and wrong ones."""

    NUMBERS = (
        "snr",
        "psFlux",
        "reliability",
        "diaObjectId",
        "detector",
        "isDipole",
        "odd",
        "great",
        "spuriousness",
    )
    CONSTANTS = (
        "0",
        "1",
        "2.5",
        "-3",
        ".5",
        "1e3",
        "0x1F",
        "1_000",
        "5.",
        "1e-3",
        "True",
        "9223372036854775807",
        "+2",
    )
    TEXTS = ("'g'", '"r"', "'it\\'s'", '"""i"""', "r'\\n'", "'new\\nline'", "'\\u00e9'", "'' 'x'", "u'y'")

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def number(self, depth):
        if depth == 0 or self.random.random() < 0.4:
            return self.pick(*self.NUMBERS, *self.CONSTANTS)
        a, b = self.number(depth - 1), self.number(depth - 1)
        return self.pick(
            f"({a} {self.pick(*'+-*/')} {b})",
            f"{a}{self.pick(*'+-*/')}{b}",
            f"-{a}",
            f"{self.pick('abs', 'sqrt', 'log10', 'radians')}( {a} )",
        )

    def comparison(self, depth):
        symbol = self.pick("==", "!=", "<", "<=", ">", ">=")
        a, b, c = (self.number(depth) for _ in range(3))
        text = self.pick("band", "name", "plain", *self.TEXTS)
        choices = ", ".join(self.pick(*self.CONSTANTS) for _ in range(self.random.randint(0, 3)))
        words = ", ".join(self.pick(*self.TEXTS) for _ in range(self.random.randint(1, 3)))
        return self.pick(
            f"{a} {symbol} {b}",
            f"{a}{symbol}{b} {self.pick('<', '>=', '!=')} {c}",
            f"{self.pick('band', 'name', 'plain')} {self.pick('==', '!=')} {text}",
            f"{self.pick('diaObjectId', 'detector', 'snr', 'great')} {self.pick('in', 'not in')} [{choices}]",
            f"{self.pick('band', 'name')} {self.pick('in', 'not  in')} ({words},)",
            f"{self.pick('snr', 'band', 'odd', 'time', 'great', a)} {self.pick('is', 'is not')} None",
            self.pick("isDipole", "pixelFlags_bad", "detector", "odd", a),
            self.pick(
                f"{a} == 'x'", "time > 1", "band < 'g'", f"abs({text}) > 1", f"snr in ({text})", "nothing > 1"
            ),
        )

    def condition(self, depth):
        if depth == 0:
            return self.comparison(self.random.randint(0, 2))
        a, b = self.condition(depth - 1), self.condition(self.random.randint(0, depth - 1))
        return self.pick(
            f"{a} and {b}", f"({a} or {b})", f"not {a}", f"not ({a})", f"{a} or\t{b}", f"({a}\n and {b})"
        )


def test_a_condition_means_the_same_in_the_page_and_in_the_package(both):
    texts = [Writer(seed).condition(seed % 4) for seed in range(500)]
    expected, found = both(texts)
    refused = sum(each == REFUSED for each in expected)
    assert 50 < refused < 500  # both kinds are there in numbers
    different = {t: (a, b) for t, a, b in zip(texts, expected, found, strict=True) if a != b}
    assert different == {}


TEXTS = [
    "snr",
    "band",
    "time",
    "not band",
    "None",
    "True",
    "...",
    "",
    " ",
    "\0",
    "snr > 1\n",
    "\nsnr > 1",
    "snr >\n1",
    "(snr >\n1)",
    "snr > 1 # said",
    "snr ** 2 > 1",
    "snr % 2 == 1",
    "snr // 2 > 1",
    "snr << 1",
    "snr and",
    "and snr",
    "snr snr",
    "snr > > 1",
    "snr <> 1",
    "snr = 1",
    "snr := 1",
    "(x := 1) > 0",
    "lambda: 1",
    "snr if snr else 1",
    "f'x' == band",
    "b'x' == band",
    "1j > snr",
    "snr.real > 1",
    "snr[0] > 1",
    "snr()",
    "abs(snr)",
    "abs(snr,) > 1",
    "abs(snr, snr)",
    "abs(*snr)",
    "abs(x=snr)",
    "(abs)(snr) > 1",
    "round(snr) > 1",
    "snr in band",
    "snr in (snr,)",
    "snr in {}",
    "snr in {1, 2}",
    "snr in (1)",
    "detector in (1,)",
    "detector in ()",
    "detector in []",
    "detector in (1, 2.0, 2.5)",
    "detector in (True,)",
    "band in ()",
    "isDipole in (1,)",
    "isDipole in (True, False)",
    "snr in ('x',)",
    "band in (1,)",
    "time in (1,)",
    "time is None",
    "snr is band",
    "snr is not None is None",
    "snr == None",
    "None is None",
    "'x' is None",
    "1 is None",
    "(snr > 1) is None",
    "snr is (None)",
    "band in (('g'))",
    "band in ('g', ('r'))",
    "not not isDipole",
    "- snr > 1",
    "--snr > 1",
    "-+-snr > 1",
    "-'x' == band",
    "-True == detector",
    "+'x' == 'x'",
    "+isDipole",
    "-isDipole < 0",
    "isDipole == 1",
    "isDipole == True",
    "isDipole > 0",
    "isDipole < pixelFlags_bad",
    "isDipole == 1.0",
    "detector == 1.5",
    "great == 9007199254740993",
    "great == 9007199254740992",
    "great > 9007199254740992.0",
    "great == 9223372036854775807",
    "great == 9223372036854775808",
    "great == -9223372036854775808",
    "great == -9223372036854775807 - 1",
    "diaSourceId == 2305843009213693953",
    "diaSourceId in (2305843009213693953, 1e300)",
    "id == 2305843009213693953",
    "diaSourceId == 2305843009213693952.0",
    "012 < snr",
    "00 < snr",
    "0_0 < snr",
    "1__0 < snr",
    "1_ < snr",
    "0b101 > detector",
    "0o17 > detector",
    "0xg > 1",
    "1e400 > odd",
    "1.e2 > snr",
    "1.5.5 > snr",
    "1and snr",
    "1 if",
    "odd == odd",
    "odd != odd",
    "odd - odd == 0",
    "odd - odd != 0",
    "odd - odd",
    "(odd - odd) is None",
    "odd / 0 is None",
    "1 / odd == 0",
    "odd in (0,)",
    "sqrt(snr) >= 0",
    "log10(odd) is None",
    "sin(snr) > 0",
    "cos(snr) > 0",
    "name == 'it\\'s'",
    "name == 'a \\\"b\\\"'",
    "name == '''new\nline'''",
    "name == 'new\nline'",
    "name == ''",
    "name == '\\x'",
    "name == '\\q'",
    "name == 'é'",
    "name == '\\xe9'",
    "name == '\\351'",
    "name == 'e' '́'",
    "name == r'\\'",
    "'g' == 'g'",
    "'g' == band == 'g'",
    "'unclosed",
    "snr > 'x",
    "((snr > 1)",
    "snr > 1)",
    "()",
    "(snr,)",
    "snr, band",
    "[snr]",
    "{snr}",
    "{}",
    "snr > (1, 2)",
    "(1 < 2)",
    "1 < 2 < 3 < snr",
    "1 < 2 > 'x'",
    "true",
    "null",
    "NOT snr",
    "snr AND snr",
    "snr && snr",
    "snr || snr",
    "!snr",
    "snr not None",
    "snr is not",
    "in (1)",
    "\uff53\uff4e\uff52 > 1",
    "\u03b1 > 1",
    "snr_é > 1",
    "__proto__ > 1",
    "constructor > 1",
    "toString is None",
    "hasOwnProperty == 1",
    "@snr",
    "$x",
    "snr; 1",
    "snr\\\n > 1",
    "snr > 1 \\",
    "`snr`",
    "x" * 10_001,
    "snr > " + "1" * 30,
    "(" * 250 + "snr" + ")" * 250,
    "(" * 150 + "snr" + ")" * 150,
    "not " * 90 + "isDipole",
    "not " * 110 + "isDipole",
    "not " * 3000 + "isDipole",
    "-" * 90 + "snr",
    "snr" + " + 1" * 99 + " > 0",
    "snr" + " + 1" * 120 + " > 0",
    "snr > 0" + " and snr > 0" * 300,
]


def test_both_take_and_refuse_the_same_texts(both):
    expected, found = both(TEXTS)
    different = {t: (a, b) for t, a, b in zip(TEXTS, expected, found, strict=True) if a != b}
    assert different == {}
