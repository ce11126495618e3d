"""Making what the transcribe engine has learned: compose, render with known truth, train, write the weights.

Nothing here runs in the daemon. `python -m engines.transcribe.training.train_drums --help` is the first step.
"""
