#!/bin/sh
# What a function is told about its call. Headers that clients add by themselves (User-Agent,
# Accept, Host) are left out, so that the answer is the same whoever asks.
set -eu

echo "request"
for name in Http_Accept_Language Http_Content_Type Http_Method Http_Path Http_Query Http_X_Shelf; do
    eval "value=\${$name-(unset)}"
    printf '  %s=%s\n' "$name" "$value"
done

echo "function"
printf '  GREETING=%s\n' "${GREETING-(unset)}"

echo "scratch"
here=$(pwd -P)
for name in HOME TEMP TMP TMPDIR; do
    eval "value=\${$name-}"
    # The name of a scratch is random: compare it, do not print it.
    if [ -n "$value" ] && [ "$(cd "$value" && pwd -P)" = "$here" ]; then
        printf '  %s is the working directory\n' "$name"
    else
        printf '  %s is elsewhere\n' "$name"
    fi
done
left=$(ls -A | wc -l)
printf '  files left by others: %d\n' "$left"

# Names that a host's own environment would have brought along.
echo "host"
for name in SSH_AUTH_SOCK KUBERNETES_SERVICE_HOST AWS_SECRET_ACCESS_KEY CARGO_HOME; do
    eval "value=\${$name+leaked}"
    printf '  %s: %s\n' "$name" "${value:-not here}"
done

printf 'body: %d bytes\n' "$(wc -c)"
