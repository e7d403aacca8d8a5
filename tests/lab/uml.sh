#!/usr/bin/env bash
# Runs a command in a machine of its own: a user-mode Linux kernel (Debian package user-mode-linux)
# on this host's root file system, read-only. README.md beside this file says what is in it.
#
#   uml.sh [-m MEMORY] [-t SECONDS] [-o FOLDER] [-e VARIABLE]... -- COMMAND [ARGUMENT...]
#
#   -m  memory of the machine, 1024M by default
#   -t  seconds until it is switched off, 300 by default
#   -o  folder of this host that is $LAB_OUT inside, to bring files back
#   -e  environment variable to take along, beside PATH
#
# Exit code: the command's own; 124 when the time is up; 4 when the machine cannot be started.
set -eu

memory=1024M seconds=300 out='' variables=(PATH)
while [ $# -gt 0 ]; do
    case $1 in
        -m) memory=$2; shift 2 ;;
        -t) seconds=$2; shift 2 ;;
        -o) out=$(realpath "$2"); shift 2 ;;
        -e) variables+=("$2"); shift 2 ;;
        --) shift; break ;;
        *) break ;;
    esac
done
if [ $# -eq 0 ]; then
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
fi

fail() {
    echo "uml.sh: $1" >&2
    exit 4
}
command -v linux.uml >/dev/null || fail "install the Debian package user-mode-linux"
[ "$(id -u)" -eq 0 ] || fail "needs root"

# modprobe inside looks where the running kernel's modules usually are.
shopt -s nullglob
kernels=(/usr/lib/uml/modules/*)
[ ${#kernels[@]} -gt 0 ] || fail "user-mode-linux has no modules in /usr/lib/uml/modules"
version=${kernels[0]##*/}
if [ ! -e "/lib/modules/$version" ]; then
    mkdir -p /lib/modules
    ln -s "/usr/lib/uml/modules/$version" "/lib/modules/$version"
fi
[ -e "/lib/modules/$version/modules.dep" ] || depmod "$version"

share=$(mktemp -d "${LAB_DIR:-/var/tmp}/uml.XXXXXX")
trap 'rm -rf "$share"' EXIT

# The command with its folder and environment, quoted for the shell inside.
{
    for variable in "${variables[@]}"; do
        [ -z "${!variable+x}" ] || printf 'export %s=%q\n' "$variable" "${!variable}"
    done
    printf 'cd %q\n' "$PWD"
    printf '%q ' "$@"
    echo
} >"$share/command"

# The first process inside.
cat >"$share/init" <<INIT
#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LAB_OUT=/tmp/out
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for folder in /tmp /var/tmp /run /var/lib/shakedown; do
    [ -d \$folder ] && mount -t tmpfs tmpfs \$folder
done
# The command's folder may itself be below one of these.
[ -d '$PWD' ] || { mkdir -p '$PWD' && mount -t hostfs none '$PWD' -o 'ro,$PWD'; }
mkdir -p /dev/pts /dev/shm /tmp/.share /tmp/out 2>/dev/null
mount -t hostfs none /tmp/.share -o $share
[ -z '$out' ] || mount -t hostfs none /tmp/out -o '$out'
mount -t devpts devpts /dev/pts 2>/dev/null
for module in veth bridge ifb dummy sch_netem sch_prio sch_tbf sch_htb sch_ingress \\
    cls_u32 cls_bpf cls_matchall act_mirred nf_tables overlay loop; do
    modprobe -q \$module || true
done
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
hostname lab
( . /tmp/.share/command )
echo \$? > /tmp/.share/status
sync
echo o > /proc/sysrq-trigger
sleep 5
INIT
chmod +x "$share/init"

# What the kernel itself says at its end is nobody's output.
noise='^(SELinux: |mmapper_init |Failed to initialize ubd|sysrq: Power Off|reboot: Power down)'
timeout -k 5 "$seconds" linux.uml mem="$memory" root=/dev/root rootfstype=hostfs rootflags=/ \
    init="$share/init" con=null con0=null,fd:1 ssl=null quiet 2>/dev/null |
    grep -v -E "$noise" || true
if [ -f "$share/status" ]; then
    exit "$(cat "$share/status")"
fi
echo "uml.sh: no answer within $seconds s" >&2
exit 124
