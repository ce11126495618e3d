"""DAWG-CORE's REST API as a client: the operations `core.*`, and whether it is connected at all.

settings    its address and time-outs
exchange    one HTTP request and its answer, bounded in time and size
breaker     whether a call is worth trying now
answers     what an answer means: a result, or the failure a client can act on
midi        the MIDI file to import, checked before it is sent
client      `Core`, which puts them together off the event loop
sending     what other operations answer with, imported into DAWG-CORE on the way out

Nothing is imported here: reading the settings must not cost what the client needs.
"""
