"""Makes sample/input: an almanac of 2024 at 52° north, a page for each day, as a JSON object."""

import datetime
import json
import math

LATITUDE = math.radians(52)
MOONS = (
    "new,waxing crescent,first quarter,waxing gibbous,"
    "full,waning gibbous,last quarter,waning crescent"
).split(",")
PAGE = "%s\nSunrise %02d:%02d, sunset %02d:%02d (local solar time)\nMoon: %s\n"

pages = {}
day = datetime.date(2024, 1, 1)
while day.year == 2024:
    number = day.timetuple().tm_yday
    declination = -math.radians(23.44) * math.cos(2 * math.pi * (number + 10) / 366)
    half = math.degrees(math.acos(-math.tan(LATITUDE) * math.tan(declination))) / 15
    rise, fall = (divmod(round(60 * (12 + side * half)), 60) for side in (-1, 1))
    age = (day - datetime.date(2024, 1, 11)).days % 29.530588
    moon = MOONS[round(age / 29.530588 * 8) % 8]
    title = day.strftime("%A, %d %B %Y")
    pages[day.strftime("%m/%d.txt")] = PAGE % (title, *rise, *fall, moon)
    day += datetime.timedelta(days=1)

print(json.dumps(pages, indent=0))
