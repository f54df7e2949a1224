#!/bin/sh
# The most frequent words of the text on standard input, "count word" a line, most frequent first
# and alphabetical among equals. `?n=20` asks for twenty instead of ten.
set -eu

# The query string is a stranger's: only a small number gets through.
n=10
case ${Http_Query:-} in
    n=[1-9] | n=[1-9][0-9] | n=[1-9][0-9][0-9]) n=${Http_Query#n=} ;;
esac

# A head that stops early would break the pipe of what is before it: sed reads on to the end.
tr 'A-Z' 'a-z' |
    tr -cs "a-z'" '\n' |
    sed "s/^'*//; s/'*\$//; /^\$/d" |
    sort |
    uniq -c |
    sort -k1,1nr -k2,2 |
    sed -n "1,${n}p" |
    sed 's/^ *//'
