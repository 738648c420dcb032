"""Templates of a detector out of coadds.

This room resamples pixels from one grid to another and merges the patches of coadds, as Rubin's
GetTemplateTask (ip_diffim) does. It knows images as `images` opens them, and no butler.
"""
