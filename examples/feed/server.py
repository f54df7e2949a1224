#!/usr/bin/python3 -S
"""Serves app.py by uvicorn on the socket that the function is handed (sd_listen_fds(3))."""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "site-packages")]

import uvicorn  # noqa: E402

uvicorn.run("app:app", fd=3, lifespan="off", log_level="warning", server_header=False, date_header=False)
