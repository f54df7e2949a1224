"""Makes sample/input: measurements of three made-up kinds of flower, fifty of each.

They are drawn, not measured: `python3 make_sample.py > sample/input` draws the same ones again.
"""

import random

KINDS = {
    "lowland": ((5.0, 0.35), (3.4, 0.38), (1.5, 0.17), (0.2, 0.10)),
    "meadow": ((5.9, 0.52), (2.8, 0.31), (4.3, 0.47), (1.3, 0.20)),
    "upland": ((6.6, 0.64), (3.0, 0.32), (5.6, 0.55), (2.0, 0.27)),
}

random.seed(1936)
print("sepal_length,sepal_width,petal_length,petal_width,kind")
for kind, shape in KINDS.items():
    for plant in range(50):
        fields = ["%.1f" % max(0.1, random.gauss(*trait)) for trait in shape]
        # Now and then a petal was lost before it was measured.
        if random.random() < 0.04:
            fields[3] = ""
        print(",".join(fields + [kind]))
