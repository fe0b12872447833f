"""Writes Tests/Fixtures/sounds: a folder of WAV files as Python's own `wave` writes them.

    python Tests/Oracles/sounds.py Tests/Fixtures/sounds

Rates and channel counts differ from file to file; metadata.csv names each with its caption.
"""

import csv
import math
import struct
import sys
import wave
from pathlib import Path

target = Path(sys.argv[1])
target.mkdir(parents=True, exist_ok=True)
files = [
    # name, rate, channels, bytes a sample, frequency at begin and end, amplitude, caption
    ("bell.wav", 16000, 1, 2, 1400, 1400, 0.6, "a loud high steady tone"),
    ("siren.wav", 22050, 2, 2, 450, 720, 0.5, "a loud middle rising tone"),
    ("drone.wav", 8000, 1, 1, 230, 230, 0.5, "a loud low steady tone"),
    ("fall.wav", 44100, 2, 3, 280, 180, 0.06, "a soft low falling tone"),
    ("whistle.wav", 11025, 1, 2, 1100, 1750, 0.06, "a soft high rising tone"),
    ("hum.wav", 48000, 1, 2, 580, 580, 0.06, "a soft middle steady tone"),
]
for name, rate, channels, width, begin, end, amplitude, _ in files:
    count = rate * 4 // 10
    frames = bytearray()
    phase = 0.0
    for index in range(count):
        phase += 2 * math.pi * (begin + (end - begin) * index / count) / rate
        fade = min(1, index / (rate / 100), (count - index) / (rate / 100))
        for channel in range(channels):
            # The second channel is quieter.
            value = amplitude * fade * math.sin(phase) / (1 + channel)
            if width == 1:
                frames += struct.pack("B", 128 + round(value * 127))
            else:
                whole = round(value * (2 ** (8 * width - 1) - 1))
                frames += whole.to_bytes(width, "little", signed=True)
    with wave.open(str(target / name), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(frames))
with open(target / "metadata.csv", "w", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["file_name", "text"])
    rows.writerows([name, caption] for name, *_, caption in files)
(target / "README.md").write_text(f"""# sounds
Python {sys.version.split()[0]}, module wave; written by `Tests/Oracles/sounds.py`. Six tones of 0.4 s: 8, 16 and 24 bits, 8 to 48 kHz, one or two channels, and metadata.csv with a caption for each.
""")
