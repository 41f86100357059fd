#!/bin/bash
# in-root.sh ROOT PROJECT NODE COMMAND...: runs a command in a copy of ROOT that is thrown away,
# a system without anything but what is in ROOT. PROJECT (this repository) is seen at /opt/pip-accel,
# /given is the folder of the caller, NODE is copied. Needs root; mounts nothing that others see.
set -euo pipefail
if [ "${1:-}" != --within ]; then
  place=$(mktemp -d)
  trap 'rmdir "$place"' EXIT
  unshare --mount --propagation private "$0" --within "$place" "$@"
  exit
fi
place=$2 base=$3 project=$4 node=$5
shift 5
mount -t tmpfs none "$place"
mkdir "$place"/{upper,scratch,root}
mount -t overlay overlay -o "lowerdir=$base,upperdir=$place/upper,workdir=$place/scratch" "$place/root"
root=$place/root
mkdir -p "$root/opt/pip-accel" "$root/given"
mount --bind "$project" "$root/opt/pip-accel"
# What node_modules is a link to, in a worktree.
if [ -L "$project/node_modules" ]; then
  modules=$(readlink -f "$project/node_modules")
  mkdir -p "$root$modules"
  mount --bind "$modules" "$root$modules"
fi
mount --bind "$PWD" "$root/given"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
cp "$node" "$root/usr/local/bin/node"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
exec env -i PATH=/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  HOME=/root LANG=C.UTF-8 VIRTUAL_ENV=/venv PIP_ACCEL_CACHE=/cache \
  PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 \
  chroot "$root" "$@"
