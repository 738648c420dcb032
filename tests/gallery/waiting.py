"""Waiting for a page whose Content-Security-Policy lets nobody evaluate text."""

import time


def wait_for(page, expression, seconds=30):
    """Wait until an expression is true in a page.

    Playwright's own `wait_for_function` evaluates it in the page itself,
    which the policy forbids from its second try on.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not true after {seconds} s: {expression}"
        page.wait_for_timeout(50)
