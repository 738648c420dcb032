"""A step with the connections of ZooniverseCutoutsPipelineTask that does nothing.

What it costs is what pipetask itself costs; `scale.py` runs it.
"""

__all__ = ("IdleTask",)

import pyarrow as pa
from lsst.pipe.base import PipelineTask

from lsst.analysis.ap import ZooniverseCutoutsPipelineConfig


class IdleTask(PipelineTask):
    """Put an empty table for each table of DiaSources."""

    ConfigClass = ZooniverseCutoutsPipelineConfig
    _DefaultName = "zooniverseCutouts"

    def runQuantum(self, butlerQC, inputRefs, outputRefs):
        """Read nothing, and put an empty table."""
        butlerQC.get(inputRefs)
        butlerQC.put(pa.table({}), outputRefs.cutouts)
