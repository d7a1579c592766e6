"""Pillow: `python3 pillow.py <file> <repeats>`. Shrink on load, chained, Lanczos, WebP method 4."""

import io
import json
import resource
import statistics
import sys
import time

from PIL import Image, ImageOps

Image.MAX_IMAGE_PIXELS = None
BOXES = [(1200, 1200, "inside"), (600, 600, "inside"), (320, 240, "cover"), (150, 150, "inside")]


def make(data):
    source = Image.open(io.BytesIO(data))
    source.draft("RGB", (1200, 1200))
    source = ImageOps.exif_transpose(source)
    total = 0
    for width, height, fit in BOXES:
        if fit == "cover":
            made = ImageOps.fit(source, (width, height), Image.Resampling.LANCZOS)
        else:
            made = source.copy() if source.width <= 1200 else source
            made.thumbnail((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
            source = made
        output = io.BytesIO()
        made.save(output, "WEBP", quality=80, method=4)
        total += output.tell()
    return total


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    total = make(data)
    cpu, wall = [], []
    for _ in range(int(sys.argv[2])):
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        make(data)
        cpu.append((time.process_time() - cpu_start) * 1000)
        wall.append((time.perf_counter() - wall_start) * 1000)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"cpu_ms": statistics.median(cpu), "wall_ms": statistics.median(wall), "rss_mib": rss, "bytes": total}))


main()
