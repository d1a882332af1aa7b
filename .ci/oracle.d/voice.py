"""A sound like a voice, which the bots make, and their callers."""

import math
import struct

RATE = 16000


def speech(seconds):
    """16-bit samples with the harmonics and the formants of a voice, in four syllables a second."""

    def near(frequency):
        return sum(math.exp(-(((frequency - formant) / width) ** 2)) for formant, width in ((700, 120), (1220, 150), (2600, 200)))

    def sample(t):
        pitch = 130 + 12 * math.sin(3 * t)
        voice = sum((near(h * pitch) + 0.05) / math.sqrt(h) * math.sin(2 * math.pi * h * (130 * t - 4 * math.cos(3 * t))) for h in range(1, 25))
        return int(max(-1, min(1, 0.3 * voice * (0.2 + 0.8 * math.sin(4 * math.pi * t) ** 2))) * 32767)

    return b"".join(struct.pack("<h", sample(i / RATE)) for i in range(int(seconds * RATE)))
