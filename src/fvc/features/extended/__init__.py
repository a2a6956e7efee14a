"""Features beyond the fifteen: what costs more than six frames, or is a lead that needs proof.

`fvc.features.extended.extraction` computes them; names and order stand in `fvc.features.names`.
"""
