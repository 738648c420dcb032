"""Pictures of DiaSources for people and for machines.

The names here are imported when they are first used, so that
``zooniverseCutouts --help`` does not wait for the middleware.
"""

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

# The published package of this import name has other modules (``nb_utils``, ``apdb``, ...). Behind this
# one on the path they stay importable.
__path__ = extend_path(__path__, __name__)

__all__ = (
    "CutoutsError",
    "ZooniverseCutoutsConfig",
    "ZooniverseCutoutsExportConfig",
    "ZooniverseCutoutsExportTask",
    "ZooniverseCutoutsPipelineConfig",
    "ZooniverseCutoutsPipelineTask",
    "ZooniverseCutoutsTask",
)

if TYPE_CHECKING:
    from .domain import CutoutsError
    from .zooniverseCutouts import ZooniverseCutoutsConfig, ZooniverseCutoutsTask
    from .zooniverseCutoutsExport import ZooniverseCutoutsExportConfig, ZooniverseCutoutsExportTask
    from .zooniverseCutoutsPipeline import ZooniverseCutoutsPipelineConfig, ZooniverseCutoutsPipelineTask


def __getattr__(name: str) -> Any:
    if name == "CutoutsError":
        from .domain import CutoutsError

        return CutoutsError
    if name in __all__:
        module = name.removesuffix("Task").removesuffix("Config")
        return getattr(import_module(f"{__name__}.z{module[1:]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
