"""From batches of sources to a directory of pictures.

This room joins the others: where stamps come from, the pool of processes, the
loop, and what a directory remembers so that a killed run can go on.

Nothing is imported here: a command starts its workers (``_pool``) before it
imports the rest, which takes as long again.
"""
