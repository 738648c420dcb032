"""Arrow without pandas, in processes of our own."""

__all__ = ("keep_pandas_out",)

import sys


def keep_pandas_out() -> None:
    """Let pyarrow go without pandas for as long as nobody wants a frame.

    pyarrow loads pandas when it converts its first number or list, in case
    that is a Series: a tenth of the start of a command. Once told that there
    is none, it looks again when a frame is to be converted from or to.

    For processes of this package alone: in between, a Series would be an array like any other.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)
