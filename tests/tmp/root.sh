#!/bin/sh
# root.sh ROOT STATE PROGRAM...: becomes PROGRAM below a root like this one, in which /tmp and /var/tmp
# are links into STATE, as in the images. What really lies in them is below /outside. Takes a mount
# namespace of one's own.
set -e
root=$1 state=$2 PATH=$PATH:/usr/sbin
shift 2
mount -t tmpfs none "$root"
for entry in /*; do
    case $entry in /tmp | /var) continue ;; esac
    if [ -L "$entry" ]; then
        cp -P "$entry" "$root$entry"
    elif [ -d "$entry" ]; then
        mkdir "$root$entry"
        mount --rbind "$entry" "$root$entry"
    fi
done
for real in /tmp /var/tmp; do
    mkdir -p "$root/outside$real" "$root/var"
    mount --rbind "$real" "$root/outside$real"
    ln -s "$state/tmp" "$root$real"
done
exec chroot "$root" "$@"
