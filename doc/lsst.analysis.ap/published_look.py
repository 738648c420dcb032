"""The colours of the pictures that plotImageSubtractionCutouts makes.

To be given with ``zooniverseCutouts -C published_look.py``. Template and
science are shown there as they are here by default. The difference has an
asinh stretch between the least and the greatest value of its central 15 x 15
pixels.
"""

config.differenceStretch = "asinh"
config.differenceInterval = "minmax"
config.differenceLimitsRegion = 15
