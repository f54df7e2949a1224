import os

with open("/tmp/x", "w") as file:
    file.write("the import")


def handle(event, context):
    found = open("/tmp/x").read() if os.path.exists("/tmp/x") else ""
    with open("/tmp/x", "w") as file:
        file.write(event.query)
    return f"{found},{open('/var/tmp/x').read()}"
