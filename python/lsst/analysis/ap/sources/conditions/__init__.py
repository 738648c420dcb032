"""Conditions on the columns of sources, whatever they are asked of.

A condition is read once into an expression, and evaluated by Arrow in memory
(``_arrow``) or by a database (``sources/_sql``).
"""
