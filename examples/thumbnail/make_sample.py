"""Draws sample/input: a piece of the Mandelbrot set in few colours, so that the PNG stays small."""

import math

from PIL import Image

WIDTH, HEIGHT, DEPTH = 480, 320, 120
LEFT, RIGHT, MIDDLE = -2.15, 0.95, 0.0


def steps(c):
    z = 0j
    for step in range(DEPTH):
        z = z * z + c
        if abs(z) > 8:
            return step + 1 - math.log2(math.log(abs(z)) / math.log(8))
    return None


def colour(step):
    if step is None:
        return (18, 12, 40)
    t = round(math.sqrt(max(step, 0) / DEPTH) * 48) / 48
    return (int(255 * t), int(140 * t * t + 60 * (1 - t)), int(110 + 100 * math.sin(3 * t)))


picture = Image.new("RGB", (WIDTH, HEIGHT))
scale = (RIGHT - LEFT) / WIDTH
for y in range(HEIGHT):
    for x in range(WIDTH):
        c = complex(LEFT + x * scale, MIDDLE + (y - HEIGHT / 2) * scale)
        picture.putpixel((x, y), colour(steps(c)))
picture.quantize(64).convert("RGB").save("sample/input", "PNG", optimize=True)
