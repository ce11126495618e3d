"""The music: functions from sound and notes to sound and notes, which know no socket.

Each module or package here whose name does not begin with an underscore and that has a tuple `OPERATIONS`
is an engine. Importing it must stay light (no numpy, no librosa): the daemon imports it to read signatures
and docstrings, and only a worker calls it.
"""
