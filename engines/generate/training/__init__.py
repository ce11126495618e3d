"""The pipeline that makes the shipped bundles again from their data.

With Magenta's own graphs and training code.

`python -m engines.generate.training --help` says how. Needs the training set of packages (TensorFlow,
magenta); nothing that serves requests imports this package.
"""
