"""A selection of sources as a file."""

__all__ = ("write_catalog",)

import filecmp
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..domain import CutoutsError

if TYPE_CHECKING:
    import pyarrow as pa


def write_catalog(tables: "Iterable[pa.Table]", path: str | Path, *, overwrite: bool) -> int:
    """Write sources as a Parquet file, which is there when it is whole, and return how many there are.

    Memory holds one table. A file with other contents is replaced only if ``overwrite`` says so.
    """
    path = Path(path)
    if path.suffix.lower() not in (".parquet", ".parq", ".pq"):
        raise CutoutsError(f"{path} would be a Parquet file: end its name in .parquet.")
    try:
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            whole = Path(folder, path.name)
            count = _write(tables, whole, Path(folder))
            if path.exists() and not overwrite and not filecmp.cmp(whole, path, shallow=False):
                raise CutoutsError(
                    f"{path} is there already and differs from this selection: move it away, or allow to "
                    "replace it with --overwrite."
                )
            whole.replace(path)
    except OSError as error:
        raise CutoutsError(f"{path} cannot be written: {error.strerror or error}.") from error
    return count


def _write(tables: "Iterable[pa.Table]", path: Path, folder: Path) -> int:
    """Write tables whose columns may differ, one after the other."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ..output import with_pandas_types

    schemas: list[pa.Schema] = []
    count = 0
    parts: list[Path] = []
    # Which columns there are is known at the end, and the memory may not hold all sources until then.
    with ExitStack() as stack:
        for table in tables:
            table = table.replace_schema_metadata()
            if not schemas or table.schema != schemas[-1]:
                schemas.append(table.schema)
                parts.append(folder / f"{len(parts)}.part")
                writer = stack.enter_context(pq.ParquetWriter(parts[-1], table.schema))
            writer.write_table(table)
            count += len(table)
    if not schemas:
        raise CutoutsError(f"No DiaSource is selected: there is nothing to write into {path.name}.")
    schema = with_pandas_types(pa.unify_schemas(schemas, promote_options="permissive"))
    with pq.ParquetWriter(path, schema) as writer:
        for part in parts:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches():
                    table = pa.Table.from_batches([batch])
                    widened = pa.concat_tables([schema.empty_table(), table], promote_options="permissive")
                    writer.write_table(widened.select(schema.names).cast(schema))
    return count
