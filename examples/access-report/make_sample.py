"""Makes sample/input: an access log of an imaginary library, the same every time."""

import random

PATHS = ["/", "/catalogue", "/catalogue/moby-dick", "/opening-hours", "/events?month=6", "/style.css",
         "/search?q=<whales>", "/a&b", "/favicon.ico"]
STATUSES = [200] * 14 + [304] * 4 + [404] * 2 + [500]

chance = random.Random(1851)
lines = []
for second in range(120):
    host = f"192.0.2.{chance.randint(1, 40)}"
    path = chance.choices(PATHS, weights=[9, 6, 5, 4, 3, 6, 2, 1, 3])[0]
    status = chance.choice(STATUSES)
    size = "-" if status == 304 else chance.randint(180, 40_000)
    time = f"12/Jun/2024:10:{second // 60:02}:{second % 60:02} +0000"
    lines.append(f'{host} - - [{time}] "GET {path} HTTP/1.1" {status} {size}')
lines[17] = "192.0.2.7 - - cut off in the middle of"
lines[71] = '192.0.2.9 - - [12/Jun/2024:10:01:11 +0000] "\\x16\\x03\\x01" 400 150'

with open("sample/input", "w", encoding="ascii") as out:
    out.write("\n".join(lines) + "\n")
