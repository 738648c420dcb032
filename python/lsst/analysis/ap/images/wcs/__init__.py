"""Between the sky and pixels, whoever wrote the world coordinates.

This room knows the projections of lsst.images and of afw, and FITS headers.
"""
