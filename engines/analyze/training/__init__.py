"""Making what the analyze engine has learned: render music with known truth, train, write the weights.

Nothing here runs in the daemon. `python -m engines.analyze.training.beat_pieces --help` is the first step.
"""
