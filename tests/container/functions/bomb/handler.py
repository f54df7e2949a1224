def handle(event, context):
    held = []
    while True:
        held.append(bytearray(b"x") * (1 << 20))
