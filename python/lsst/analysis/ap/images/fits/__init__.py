"""Pixels and tables of FITS files, by ranges of bytes.

Of a compressed image only the tiles are read that hold wanted pixels. This
room knows nothing of stamps and of world coordinates.
"""
