"""Where the stamps of each source are, for any number of sources."""

__all__ = ("StampIndex",)

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import repeat

import numpy as np
from numpy.typing import NDArray


class StampIndex:
    """Places of stamps by diaSourceId: the number of a store and a row in it.

    It lives in a temporary SQLite database, which keeps little in memory and
    leaves no file behind.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode = OFF;"
            "CREATE TABLE place (id INTEGER PRIMARY KEY, store INTEGER, row INTEGER);"
            "CREATE TABLE chosen (position INTEGER PRIMARY KEY, store INTEGER, row INTEGER);"
        )

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    def add(self, store: int, ids: Iterable[NDArray[np.int64]]) -> None:
        """Learn the sources of a store; they replace what was known of them.

        Parameters
        ----------
        store : `int`
            A number for the store.
        ids : iterable of `numpy.ndarray`
            The diaSourceId of its rows, in order, some at a time.
        """
        start = 0
        self._db.execute("BEGIN")
        for part in ids:
            rows = range(start, start + len(part))
            self._db.executemany(
                "INSERT OR REPLACE INTO place VALUES (?, ?, ?)",
                zip(part.tolist(), repeat(store), rows, strict=False),
            )
            start += len(part)
        self._db.execute("COMMIT")

    def missing(self, ids: Iterable[int]) -> set[int]:
        """Return which sources have no stamps.

        Parameters
        ----------
        ids : iterable of `int`
            Sources to look for.

        Returns
        -------
        missing : `set` [`int`]
            Those of them that no store has.
        """
        query = "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM place)"
        return {identifier for (identifier,) in self._db.execute(query, (json.dumps(list(ids)),))}

    def choose(self, ids: Iterable[int]) -> int:
        """Choose the sources to put together.

        Parameters
        ----------
        ids : iterable of `int`
            Sources in the wanted order.

        Returns
        -------
        missing : `int`
            How many of them have no stamps; they are left out.
        """
        asked = 0

        def counted() -> Iterator[tuple[int]]:
            nonlocal asked
            for identifier in ids:
                asked += 1
                yield (identifier,)

        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM chosen")
        self._db.executemany(
            "INSERT INTO chosen (store, row) SELECT store, row FROM place WHERE id = ?", counted()
        )
        self._db.execute("COMMIT")
        return asked - self.count

    @property
    def count(self) -> int:
        """Number of sources chosen."""
        ((count,),) = self._db.execute("SELECT count(*) FROM chosen")
        return int(count)

    @property
    def stores(self) -> list[int]:
        """Numbers of the stores that hold the chosen sources."""
        return [store for (store,) in self._db.execute("SELECT DISTINCT store FROM chosen ORDER BY store")]

    def is_whole(self, store: int, count: int) -> bool:
        """Tell whether the chosen sources are just those of one store.

        Parameters
        ----------
        store : `int`
            Number of the store.
        count : `int`
            How many rows it has.

        Returns
        -------
        whole : `bool`
            Whether they are all there, in the same order.
        """
        query = "SELECT count(*) FROM chosen WHERE store != ? OR row != position - 1"
        ((others,),) = self._db.execute(query, (store,))
        return others == 0 and count == self.count

    def blocks(self, size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the places of the chosen sources in order.

        Parameters
        ----------
        size : `int`
            How many sources a block has; the last has what remains.

        Yields
        ------
        stores, rows : `numpy.ndarray`
            Number of the store and row in it, for each source of a block.
        """
        query = "SELECT store, row FROM chosen WHERE position > ? AND position <= ? ORDER BY position"
        for start in range(0, self.count, size):
            places = np.array(self._db.execute(query, (start, start + size)).fetchall(), dtype=np.int64)
            yield places[:, 0], places[:, 1]
