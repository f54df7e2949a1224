#!/bin/sh
# A child that outlives it, an orphan's orphan: gone when the call is.
(sleep 1000 & sleep 1000 &) >&- 2>&-
found=$(cat /tmp/x 2>/dev/null)
printf %s "$Http_Query" >/tmp/x
printf '%s,%s' "$found" "$(cat /var/tmp/x)"
