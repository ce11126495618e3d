"""The authored drum patterns, one bar each; `styles` reads them.

A head line is a style's name and, where its off-beats are late, by which share of a full triplet (of eighths
in jazz, blues and shuffle; of sixteenths else). A row is a drum and its sixteen steps: `X` nearly always, `x`
mostly, `o` half the time, `-` now and then, `.` hardly ever. They are written for this project from what drum
tutors teach, because Groove, which the model learned from, hardly holds electronic music.
"""

from typing import Final

PATTERNS: Final = """
rock
    kick  X..- ..-. x.o. ..-.
    snare .... X... .... X..-
    hat   x.x. x.x. x.x. x.x.
    open  ..-. .... .... ..-.
    crash -... .... .... ....
hard rock
    kick  X.x. ..-. x.x. ..-.
    snare .... X... .... X...
    open  x.x. x.x. x.x. x.x.
    crash o... .... -... ....
metal
    kick  XoXo xoxo XoXo xoxo
    snare .... X... .... X...
    crash o... .... .... ....
    ride  x.x. x.x. x.x. x.x.
punk
    kick  X... ..x. x.x. ....
    snare .... X... .... X...
    hat   x.x. x.x. x.x. x.x.
    crash -... .... .... ....
pop
    kick  X... ...- x.x. ...-
    snare .... X... .... X...
    hat   x.x. x.x. x.x. x.x.
    open  .... .... .... ..o.
country
    kick  X... .... X... ..-.
    snare ..o. X.o. ..o. X.o.
    hat   x.x. x.x. x.x. x.x.
funk, swing 0.1
    kick  X..o ..x. -.X. .o..
    snare .-.- X..o .o.- X..-
    hat   xoxo xoxo xoxo xoxo
    open  .... .... .... ..o.
soul, swing 0.1
    kick  X..- ..x. ..x- ....
    snare .... X..- .-.. X...
    hat   x.x. x.x. x.x. x.x.
disco
    kick  X... X... X... X...
    snare .... X... .... X...
    hat   x.-. x.-. x.-. x.-.
    open  ..x. ..x. ..x. ..x.
hiphop, swing 0.35
    kick  X..- ...o .ox. ....
    snare .... X... .-.. X..-
    hat   x.x. x.x. x.x. x.x.
boom bap, swing 0.45
    kick  X.-. ...x ..x. ....
    snare .... X..- .... X...
    hat   x.x. x.x. x.x. x.x.
    open  .... .... .... ..-.
lofi, swing 0.5
    kick  X... ...o ..x. ....
    snare .... X... .... X...
    hat   x.o. x.o. x.o. x.o.
trap
    kick  X... ..-x ..o. ..-.
    snare .... .... X... ....
    hat   xoxo xoxo xoxo xxox
    open  .... ..-. .... ..-.
drill
    kick  X..- ..x. ...o ..x.
    snare .... .... X... ..x.
    hat   x..x ..x. x..x ..x.
jazz, swing 0.9 of eighths
    kick  o... -... o... -..-
    snare ...- .-.. ...- .-..
    hat   .... X... .... X...
    ride  X... X.x. X... X.x.
swing, swing 1 of eighths
    kick  x... o... x... o...
    snare .... -.-. .... -.-.
    hat   .... X... .... X...
    ride  X... X.x. X... X.x.
blues, swing 1 of eighths
    kick  X... ..-. x.o. ....
    snare .... X... .... X...
    hat   X.x. X.x. X.x. X.x.
shuffle, swing 1 of eighths
    kick  X... ..x. X... ..o.
    snare .... X... .... X...
    hat   X.x. X.x. X.x. X.x.
reggae, swing 0.3
    kick  .... .... X... ....
    snare .... .... X... ....
    hat   x.x. x.x. x.x. x.x.
    open  .... .... .... ..-.
dub, swing 0.3
    kick  -... .... X... ....
    snare .... .... X..- ....
    hat   x.o. x.x. x.o. x.x.
    open  ..-. .... .... ..-.
ska
    kick  X... .... X... ....
    snare .... X... .... X...
    hat   ..X. ..X. ..X. ..X.
latin
    kick  X..x ..x. X..x ..x.
    snare ..x. .x.. x..x ..x.
    hat   x.x. x.x. x.x. x.x.
    high  .... .... .... ..o.
bossa
    kick  X..x X..x X..x X..x
    snare X..x ..x. ..x. .x..
    hat   xxxx xxxx xxxx xxxx
samba
    kick  X..x X..x X..x X..x
    snare x.xo .x.x o.x. xox.
    hat   ..x. ..x. ..x. ..x.
    ride  xoxo xoxo xoxo xoxo
salsa
    kick  ...x ..x. ...x ..x.
    snare ..x. x... x..x ..x.
    ride  x.x. xx.x .x.x xx.x
    high  .... ..x. .... ..xx
reggaeton
    kick  X... X... X... X...
    snare ...X ..X. ...X ..X.
    hat   x.x. x.x. x.x. x.x.
afrobeat
    kick  X..o ..x. o.x. ..o.
    snare ..-o X..- .o.x ..o.
    hat   x.xo x.xo x.xo x.xo
    open  ..-. .... ..o. ....
new orleans, swing 0.4
    kick  X..x ..o. x..o ..x.
    snare xoxx oxox xoxx oxox
    hat   .... x... .... x...
house
    kick  X... X... X... X...
    snare .... X... .... X...
    hat   -.-- -.-- -.-- -.--
    open  ..X. ..X. ..X. ..X.
deep house, swing 0.2
    kick  X... X... X... X...
    snare .... x... .... x..-
    hat   -.-o -.-o -.-o -.-o
    open  ..x. ..x. ..x. ..x.
techno
    kick  X... X... X... X...
    snare .... o... .... o...
    hat   ..x. ..x. ..x. ..x.
    ride  ..o. ..o. ..o. ..o.
    low   ...- .... .-.. ....
trance
    kick  X... X... X... X...
    snare .... x... .... x...
    hat   xoxo xoxo xoxo xoxo
    open  ..X. ..X. ..X. ..X.
garage, swing 0.5
    kick  X... .... ..x. ..o.
    snare .... X... .... X..-
    hat   ..x. o.x. ..xo .ox.
    open  ..x. .... .... ..x.
drum and bass
    kick  X... .... ..X. ....
    snare .... X..- .-.. X...
    hat   x.x. x.x. x.x. x.x.
    ride  o.o. o.o. o.o. o.o.
jungle
    kick  X.x. .... ..xx ....
    snare .... X..x .x.. x..x
    hat   x.x. x.x. x.x. x.x.
breakbeat
    kick  X.x. ..-. ..xx ....
    snare .... X..o .o.. X..o
    hat   x.x. x.x. x.x. x.x.
dubstep
    kick  X... ..-. ..-. ...o
    snare .... .... X... ....
    hat   x.-x ..x. x.-x ..x.
    open  .... .... .... ..-.
electro
    kick  X... ..X. ..x. ....
    snare .... X... .... X...
    hat   xxxx xxxx xxxx xxxx
    open  ..-. .... .... ..-.
synthwave
    kick  X... X... X... X...
    snare .... X... .... X...
    hat   xxxx xxxx xxxx xxxx
    high  .... .... .... ..-.
    mid   .... .... .... ...-
march
    kick  X... x... X... x...
    snare X.xx X.xx X.xx X.xx
waltz, swing 0.3 of eighths
    kick  X... .... .... X...
    snare .... x... x... ....
    hat   x... x... x... x...
    ride  o... o.-. o.-. o...
6/8
    kick  X... ..-. .... X...
    snare .... ..X. .... ..X.
    hat   x.x. x.x. x.x. x.x.
"""
